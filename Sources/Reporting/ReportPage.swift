// The HTML page around a report: one document that loads nothing else, with colours for light, dark
// and print.

/// The frame that all report pages share.
package enum ReportPage {
    /// A complete page around `body`, with its style sheet.
    package static func html(title: String, body: String) -> String {
        """
        <!DOCTYPE html>
        <html lang="en"><head><meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(Drawing.escaped(title))</title>
        <style>\(style)</style></head><body><main>
        <h1>\(Drawing.escaped(title))</h1>
        \(body)
        </main></body></html>

        """
    }

    private static let style = """
        :root{color-scheme:light dark;--ink:#1d2433;--soft:#5a6478;--paper:#fff;--panel:#f5f6f9;--rule:#d9dde6;\
        --mark:#2459c4;--hot:#c8402a;--cool:#dbe9f6;--oncool:#1d2433}
        @media (prefers-color-scheme:dark){:root{--ink:#e6e9f0;--soft:#9aa5ba;--paper:#12151c;--panel:#1b202b;\
        --rule:#333b4b;--mark:#7aa5ff;--hot:#e0573f;--cool:#233a52;--oncool:#e6e9f0}}
        @media print{:root{color-scheme:light;--ink:#000;--soft:#444;--paper:#fff;--panel:#fff;--rule:#bbb;\
        --mark:#1c4aa8;--hot:#b8321d;--cool:#e4eef8;--oncool:#000}figure,.table{break-inside:avoid}.scroll{overflow:visible}table{font-size:.72em}
        .table td,.table th{white-space:normal}}
        *{box-sizing:border-box;-webkit-print-color-adjust:exact;print-color-adjust:exact}
        body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
        main{max-width:1400px;margin:0 auto;padding:24px}
        h1{font-size:1.5rem;margin:0 0 .3em}h2,figcaption{font-size:1rem;font-weight:600;margin:0 0 .5em}
        p{margin:.3em 0}.small,small{color:var(--soft);font-size:.85em}
        .partial{border-left:4px solid var(--hot);background:var(--panel);padding:.6em 1em}
        .note{border-left:4px solid var(--mark);background:var(--panel);padding:.6em 1em}
        .tiles{display:flex;flex-wrap:wrap;gap:12px;margin:18px 0}
        .tiles div{background:var(--panel);border:1px solid var(--rule);border-radius:8px;padding:8px 14px}
        dt{color:var(--soft);font-size:.8em}dd{margin:0;font-size:1.25em;font-variant-numeric:tabular-nums}
        .charts,.tables{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr));gap:20px;\
        margin:20px 0;align-items:start}.tables{grid-template-columns:repeat(auto-fit,minmax(min(100%,640px),1fr))}
        figure,.table{margin:0;background:var(--panel);border:1px solid var(--rule);border-radius:8px;padding:14px;min-width:0}
        .table:has(th:nth-child(8)){grid-column:1/-1}
        .scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.86em;font-variant-numeric:tabular-nums}
        th,td{padding:3px 8px;text-align:right;white-space:nowrap;border-bottom:1px solid var(--rule)}
        th{color:var(--soft);font-weight:500}th:first-child,td:first-child{text-align:left}
        svg{width:100%;height:auto;display:block}
        svg text{font:12px system-ui,sans-serif;fill:var(--soft)}
        svg .onhot{fill:#fff}svg .oncool{fill:var(--oncool)}
        .grid{stroke:var(--rule);stroke-width:1}.axis{stroke:var(--soft)}.mark{stroke:var(--hot);stroke-dasharray:4 3}
        .curve{fill:none;stroke:var(--mark);stroke-width:2}.error{stroke:var(--mark);stroke-width:1.5;opacity:.55}
        .dot,.bar{fill:var(--mark)}.empty{fill:none;stroke:var(--rule);stroke-dasharray:3 3}
        """
}

// The three date formats of the protocol. Pure arithmetic: date formatters are slow and follow
// locales.
internal import Foundation

enum S3Time {
    /// "20130524T000000Z", of which the first eight characters are the day.
    static func basic(_ date: Date) -> String {
        let seconds = Int(date.timeIntervalSince1970.rounded(.down))
        let days = seconds >= 0 ? seconds / 86400 : (seconds - 86399) / 86400
        let rest = seconds - days * 86400
        let (year, month, day) = civil(days)
        return padded(year, 4) + padded(month, 2) + padded(day, 2) + "T"
            + padded(rest / 3600, 2) + padded(rest / 60 % 60, 2) + padded(rest % 60, 2) + "Z"
    }

    /// "2013-05-24T00:00:00.000Z", with or without the fraction.
    static func date(iso8601 text: some StringProtocol) -> Date? {
        let numbers = text.split { !$0.isASCII || !$0.isNumber }
        guard text.hasSuffix("Z"), (6...7).contains(numbers.count) else { return nil }
        let values = numbers.prefix(6).compactMap { Int($0) }
        let fraction = numbers.count == 7 ? Double("0.\(numbers[6])") ?? 0 : 0
        return date(values)?.addingTimeInterval(fraction)
    }

    /// "Fri, 24 May 2013 00:00:00 GMT".
    static func date(http text: some StringProtocol) -> Date? {
        let parts = text.split { $0 == " " || $0 == "," || $0 == ":" }
        let months = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        guard parts.count == 8, parts[7] == "GMT",
            let month = months.firstIndex(of: String(parts[2]))
        else { return nil }
        let rest = [parts[3], parts[1], parts[4], parts[5], parts[6]].compactMap { Int($0) }
        guard rest.count == 5 else { return nil }
        return date([rest[0], month + 1, rest[1], rest[2], rest[3], rest[4]])
    }

    private static func date(_ values: [Int]) -> Date? {
        guard values.count == 6, (1...9999).contains(values[0]), (1...12).contains(values[1]),
            (1...31).contains(values[2]), (0...23).contains(values[3]),
            (0...59).contains(values[4]), (0...60).contains(values[5])
        else { return nil }
        let days = days(values[0], values[1], values[2])
        let seconds = days * 86400 + values[3] * 3600 + values[4] * 60 + values[5]
        return Date(timeIntervalSince1970: Double(seconds))
    }

    /// Days since 1970-01-01 of a date in the Gregorian calendar, counted in years that begin in
    /// March.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
            - 719_468
    }

    private static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

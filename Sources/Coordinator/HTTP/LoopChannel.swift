// A connection's requests are answered on the thread that reads and writes it: without this, each would be handed to another
// thread and back, which costs more than a search.
import HummingbirdCore
import Logging
import NIOCore
import TesseraBase

/// A kind of connection whose work stays on its event loop.
struct LoopChannel<Base: ServerChildChannel>: ServerChildChannel {
    let base: Base

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
        base.setup(channel: channel, logger: logger)
    }

    func handle(value: Base.Value, logger: Logger) async {
        let loop = await LoopExecutor.shared(value.channel.eventLoop)
        await withTaskExecutorPreference(loop) {
            await base.handle(value: value, logger: logger)
        }
    }
}

// Answers a connection's requests on the thread that reads and writes it. Handing each request to
// another thread and back would cost more than a search in memory.
import HummingbirdCore
import Logging
import NIOCore
import TesseraBase

/// A server channel whose connections are handled on their own event loop.
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

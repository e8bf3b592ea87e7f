// An echo server for one client with a selector: one thread, nothing that blocks but select().
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

class Server {
    public static void main(String[] words) throws Exception {
        try (Selector selector = Selector.open(); ServerSocketChannel listener = ServerSocketChannel.open()) {
            listener.bind(new InetSocketAddress("127.0.0.1", 0));
            listener.configureBlocking(false);
            listener.register(selector, SelectionKey.OP_ACCEPT);
            // Java binds and listens in one go: the port is written after that, and the client waits for it.
            int port = ((InetSocketAddress) listener.getLocalAddress()).getPort();
            Path file = Files.writeString(Path.of("port.new"), Integer.toString(port));
            Files.move(file, Path.of("port"), StandardCopyOption.ATOMIC_MOVE);
            while (true) {
                selector.select();
                for (SelectionKey key : selector.selectedKeys()) {
                    if (key.isAcceptable()) {
                        SocketChannel connection = listener.accept();
                        connection.configureBlocking(false);
                        connection.register(selector, SelectionKey.OP_READ);
                    } else if (!echo((SocketChannel) key.channel())) {
                        return;
                    }
                }
                selector.selectedKeys().clear();
            }
        }
    }

    private static boolean echo(SocketChannel connection) throws Exception {
        ByteBuffer data = ByteBuffer.allocate(1024);
        if (connection.read(data) < 0) {
            connection.close();
            return false;
        }
        connection.write(data.flip());
        return true;
    }
}

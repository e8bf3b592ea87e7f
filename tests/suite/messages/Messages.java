import java.io.DataInputStream;
import java.net.*;
import java.nio.ByteBuffer;
import java.nio.channels.*;
import java.util.ArrayList;

/** Makes errors happen and prints each as Java words it: the error's name, a tab, the text. */
class Messages {
    interface Act {
        void run() throws Exception;
    }

    static void says(String name, Act act) {
        try {
            act.run();
        } catch (Exception error) {
            System.out.println(name + "\t" + error);
            return;
        }
        throw new AssertionError(name + ": no error");
    }

    static final InetAddress LOOPBACK = InetAddress.getLoopbackAddress();

    /** Both ends of a connection. */
    static Socket[] pair() throws Exception {
        try (var server = new ServerSocket(0, 1, LOOPBACK)) {
            var client = new Socket(LOOPBACK, server.getLocalPort());
            return new Socket[] {client, server.accept()};
        }
    }

    /** A socket that has a port and does not listen there. */
    static Socket silent() throws Exception {
        var socket = new Socket();
        socket.bind(new InetSocketAddress(LOOPBACK, 0));
        return socket;
    }

    static void reset(Socket peer) throws Exception {
        peer.setSoLinger(true, 0);
        peer.close();
    }

    public static void main(String[] args) throws Exception {
        var held = silent();
        var nobody = new InetSocketAddress(LOOPBACK, held.getLocalPort());
        says("ECONNREFUSED", () -> new Socket(LOOPBACK, nobody.getPort()));
        says("ECONNREFUSED", () -> SocketChannel.open(nobody));
        says("EADDRINUSE", () -> new ServerSocket(nobody.getPort(), 1, LOOPBACK));
        says("EADDRINUSE", () -> ServerSocketChannel.open().bind(nobody));
        says("EADDRNOTAVAIL", () -> new ServerSocket(0, 1, InetAddress.getByName("203.0.113.1")));
        says("ENETUNREACH", () -> new Socket(InetAddress.getByName("127.255.255.255"), 9));
        says("EACCES", () -> new DatagramSocket() {{ setBroadcast(false); }}
                .send(new DatagramPacket(new byte[1], 1, InetAddress.getByName("127.255.255.255"), 9)));
        says("EMSGSIZE", () -> new DatagramSocket().send(new DatagramPacket(new byte[70_000], 70_000, nobody)));
        says("ENOENT", () -> SocketChannel.open(UnixDomainSocketAddress.of("/no/such/socket")));

        says("ECONNRESET", () -> {
            var pair = pair();
            reset(pair[1]);
            pair[0].getInputStream().read();
        });
        says("ECONNRESET", () -> {
            try (var server = ServerSocketChannel.open().bind(new InetSocketAddress(LOOPBACK, 0))) {
                var client = SocketChannel.open(server.getLocalAddress());
                reset(server.accept().socket());
                client.read(ByteBuffer.allocate(1));
            }
        });
        says("ECONNRESET", () -> {
            var pair = pair();
            reset(pair[1]);
            pair[0].getOutputStream().write(1);
        });
        says("EPIPE", () -> {
            var pair = pair();
            pair[1].close();
            while (true) {
                pair[0].getOutputStream().write(1);
            }
        });
        says("EPIPE", () -> {
            try (var server = ServerSocketChannel.open().bind(new InetSocketAddress(LOOPBACK, 0))) {
                var client = SocketChannel.open(server.getLocalAddress());
                server.accept().close();
                while (true) {
                    client.write(ByteBuffer.allocate(1));
                }
            }
        });
        says("timed-out", () -> {
            var pair = pair();
            pair[0].setSoTimeout(1);
            pair[0].getInputStream().read();
        });
        says("timed-out", () -> {
            try (var server = new ServerSocket(0, 1, LOOPBACK)) {
                server.setSoTimeout(1);
                server.accept();
            }
        });
        says("timed-out", () -> {
            var socket = new DatagramSocket();
            socket.setSoTimeout(1);
            socket.receive(new DatagramPacket(new byte[1], 1));
        });
        says("closed-here", () -> {
            var socket = pair()[0];
            socket.close();
            socket.getInputStream();
        });
        says("closed-here", () -> {
            var socket = pair()[0];
            var in = socket.getInputStream();
            socket.close();
            in.read();
        });
        says("closed-here", () -> {
            var channel = SocketChannel.open();
            channel.close();
            channel.read(ByteBuffer.allocate(1));
        });
        says("ESHUTDOWN", () -> {
            var socket = pair()[0];
            socket.shutdownOutput();
            socket.getOutputStream();
        });
        says("ENOTCONN", () -> new Socket().getInputStream());
        says("ENOTCONN", () -> SocketChannel.open().read(ByteBuffer.allocate(1)));
        says("EISCONN", () -> pair()[0].connect(nobody));
        says("EISCONN", () -> {
            try (var server = ServerSocketChannel.open().bind(new InetSocketAddress(LOOPBACK, 0))) {
                SocketChannel.open(server.getLocalAddress()).connect(server.getLocalAddress());
            }
        });
        says("EAI_NONAME", () -> new Socket().connect(InetSocketAddress.createUnresolved("no.such.host", 80)));
        says("EAI_NONAME", () -> SocketChannel.open(InetSocketAddress.createUnresolved("no.such.host", 80)));
        says("address-form", () -> new Socket(LOOPBACK, 70_000));
        says("end-of-stream", () -> {
            var pair = pair();
            pair[1].close();
            new DataInputStream(pair[0].getInputStream()).readInt();
        });
        says("EMFILE", () -> { // where the limit is low
            var all = new ArrayList<Socket>();
            try {
                while (true) {
                    all.add(silent());
                }
            } finally {
                for (var one : all) {
                    one.close();
                }
            }
        });
        System.exit(0);
    }
}

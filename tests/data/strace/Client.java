// Two words to a server that sends each back.
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;

class Client {
    public static void main(String[] args) throws Exception {
        while (!Files.exists(Path.of("port"))) {
            Thread.sleep(10);
        }
        int port = Integer.parseInt(Files.readString(Path.of("port")));
        try (Socket server = new Socket("127.0.0.1", port)) {
            for (String word : new String[] {"hello", "world"}) {
                server.getOutputStream().write(word.getBytes());
                server.getInputStream().readNBytes(word.length());
            }
            server.shutdownOutput();
            server.getInputStream().read();
        }
    }
}

// What Java's class library asks of the system; tools/measure_syscalls.py runs it.
import java.io.*;
import java.net.*;
import java.nio.*;
import java.nio.channels.*;
import java.nio.file.*;
import java.util.concurrent.*;

class Library {
  interface Attempt { void run() throws Exception; }
  static void attempt(Attempt one) { try { one.run(); } catch (Exception e) { /* a jail may say no */ } }
  public static void main(String[] args) throws Exception {
    Files.createDirectories(Path.of("d/e"));
    Files.writeString(Path.of("d/a"), "text".repeat(1000));
    try (FileChannel c = FileChannel.open(Path.of("d/a"), StandardOpenOption.READ, StandardOpenOption.WRITE); FileChannel to = FileChannel.open(Path.of("d/t"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      c.read(ByteBuffer.allocate(3), 1); c.write(ByteBuffer.allocate(3), 1); c.force(true); c.truncate(100); c.lock().release(); c.transferTo(0, 10, to);
      c.read(new ByteBuffer[] {ByteBuffer.allocate(1), ByteBuffer.allocate(1)}); c.write(new ByteBuffer[] {ByteBuffer.allocate(1), ByteBuffer.allocate(1)});
      MappedByteBuffer m = c.map(FileChannel.MapMode.READ_WRITE, 0, 100); m.put(0, (byte) 1); m.force(); m.load(); m.isLoaded();
    }
    try (RandomAccessFile f = new RandomAccessFile("d/a", "rw")) { f.seek(3); f.setLength(50); f.getFD().sync(); }
    Files.move(Path.of("d/a"), Path.of("d/b")); Files.createLink(Path.of("d/l"), Path.of("d/b")); Files.createSymbolicLink(Path.of("d/s"), Path.of("b")); Files.readSymbolicLink(Path.of("d/s"));
    Files.copy(Path.of("d/b"), Path.of("d/c")); Files.setLastModifiedTime(Path.of("d/b"), java.nio.file.attribute.FileTime.fromMillis(1)); attempt(() -> Files.setPosixFilePermissions(Path.of("d/b"), java.nio.file.attribute.PosixFilePermissions.fromString("rw-------")));
    attempt(() -> Files.setOwner(Path.of("d/b"), Files.getOwner(Path.of("d/b")))); attempt(() -> Files.getAttribute(Path.of("d/b"), "unix:uid")); Files.isReadable(Path.of("d/b")); new File("d/b").canExecute(); new File("d").list(); new File(".").getFreeSpace(); attempt(() -> Files.getFileStore(Path.of(".")).getTotalSpace()); File.createTempFile("name", "y");
    attempt(() -> { try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("d"))) { if (all instanceof SecureDirectoryStream<Path> secure) { secure.deleteFile(Path.of("c")); secure.move(Path.of("l"), secure, Path.of("k")); } for (Path p : all) Files.size(p); } });
    try (var walk = Files.walk(Path.of("d"))) { walk.sorted(java.util.Comparator.reverseOrder()).forEach(p -> p.toFile().delete()); }
    attempt(() -> FileSystems.getDefault().newWatchService().close());
    attempt(() -> { Process p = new ProcessBuilder("cat").start(); p.getOutputStream().close(); p.waitFor(); p.toHandle().info(); }); attempt(() -> ProcessHandle.allProcesses().count());
    ExecutorService pool = Executors.newFixedThreadPool(3); pool.submit(() -> { Thread.sleep(1); return null; }).get(); pool.shutdown(); Thread.yield(); System.gc(); Runtime.getRuntime().availableProcessors(); new java.security.SecureRandom().nextInt();
    attempt(() -> { Path s = Path.of("socket"); try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) { server.bind(UnixDomainSocketAddress.of(s)); try (SocketChannel c = SocketChannel.open(UnixDomainSocketAddress.of(s)); SocketChannel a = server.accept()) { a.write(ByteBuffer.allocate(1)); c.configureBlocking(false); try (Selector selector = Selector.open()) { c.register(selector, SelectionKey.OP_READ); selector.select(10); } c.read(ByteBuffer.allocate(1)); } } });
    attempt(() -> new ServerSocket(0).close()); attempt(() -> new Socket("127.0.0.1", 1)); attempt(() -> new DatagramSocket().send(new DatagramPacket(new byte[1], 1, InetAddress.getLoopbackAddress(), 9))); attempt(() -> NetworkInterface.getNetworkInterfaces()); attempt(() -> InetAddress.getByName("localhost")); attempt(() -> Pipe.open().sink().write(ByteBuffer.allocate(1)));
    System.out.println("done");
  }
}

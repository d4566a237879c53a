"""Java programs whose cold and warm runs must not differ: the warm ones run in a machine that started before them."""

from program import Program


def main(body, head="", name="Main"):
    return f"import java.util.*;\nimport java.nio.file.*;\n{head}\npublic class {name} {{ public static void main(String[] args) throws Exception {{\n{body}\n}} }}\n"


JAVA = {
    "arguments": Program(main("System.out.println(args.length); for (String a : args) System.out.println('[' + a + ']');"),
                         arguments=("a", "b c", "", "\u00fc\u4e16", "@x", "-version", "--", "*", "$HOME", "-cp")),
    "identity hash codes": Program(main("System.out.println(new Object().hashCode()); System.out.println(new Main()); System.out.println(new int[0]);")),
    "no arguments": Program(main("System.out.println(args.length);")),
    "properties": Program(main("new TreeMap<>(System.getProperties()).forEach((k, v) -> System.out.println(k + \"=\" + v));"), arguments=("x", "y z")),
    "environment": Program(main("new TreeMap<>(System.getenv()).forEach((k, v) -> System.out.println(k + \"=\" + v));")),
    "environment of a child": Program(main("new ProcessBuilder(\"/bin/sh\", \"-c\", \"env | sort; ulimit -a; umask; echo err >&2; exit 3\").inheritIO().start().waitFor();")),
    "uncaught": Program(main("f(3);", "").replace("} }\n", "}\nstatic void f(int n) { if (n == 0) throw new IllegalStateException(\"boom\", new RuntimeException(\"cause\")); f(n - 1); } }\n")),
    "uncaught in a thread": Program(main("Thread t = new Thread(() -> { throw new RuntimeException(\"in T\"); }, \"T\"); t.start(); t.join(); System.out.println(\"end\");")),
    "error in a static initialiser": Program("public class Main { static int x = 1 / Integer.parseInt(\"0\"); public static void main(String[] a) { System.out.println(x); } }"),
    "the stack of main": Program(main("for (StackTraceElement e : Thread.currentThread().getStackTrace()) System.out.println(e);\n"
                                      "StackWalker.getInstance(StackWalker.Option.SHOW_HIDDEN_FRAMES).forEach(f -> System.out.println(f));\n"
                                      "new Exception(\"here\").printStackTrace();")),
    "threads": Program(main("TreeSet<String> names = new TreeSet<>(); for (Thread t : Thread.getAllStackTraces().keySet())"
                            " names.add(t.getName() + ' ' + t.isDaemon() + ' ' + t.getPriority() + ' ' + t.getThreadGroup().getName());\n"
                            "names.forEach(System.out::println); Thread m = Thread.currentThread(); System.out.println(m + \" \" + m.getId());")),
    "exit code": Program(main("System.out.println(\"x\"); System.exit(42);")),
    "halt": Program(main("System.out.println(\"x\"); Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println(\"never\"))); Runtime.getRuntime().halt(3);")),
    "shutdown hooks": Program(main("Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println(\"hook\"))); System.out.println(\"main\"); System.exit(5);")),
    "uncaught and hooks": Program(main("Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println(\"hook\"))); throw new Error(\"e\");")),
    "killed": Program(main("System.out.println(\"x\"); System.out.flush(); new ProcessBuilder(\"/bin/sh\", \"-c\", \"kill -9 $PPID\").start(); Thread.sleep(5000);"), status="signaled"),
    "terminated": Program(main("Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println(\"hook\"))); System.out.println(\"x\");\n"
                               "new ProcessBuilder(\"/bin/sh\", \"-c\", \"kill $PPID\").start(); Thread.sleep(5000);")),
    "lines of input": Program(main("Scanner s = new Scanner(System.in); while (s.hasNextLine()) System.out.println('<' + s.nextLine() + '>');"), stdin="one\ntwo \u00fc\n\nlast".encode()),
    "bytes of input": Program(main("System.out.println(Arrays.toString(System.in.readAllBytes()));"), stdin="\0\u00fe".encode()),
    "no input": Program(main("System.out.println(System.in.read() + \" \" + System.in.available() + \" \" + System.console());")),
    "much input": Program(main("System.out.println(System.in.readAllBytes().length);"), stdin=b"x" * 3_000_000),
    "locale": Program(main("System.out.println(Locale.getDefault() + \" \" + java.nio.charset.Charset.defaultCharset() + \" \" + TimeZone.getDefault().getID());\n"
                           "System.out.println(\"\u00fc\u4e16\U0001f600\"); System.err.println(\"\u00fc\u4e16\"); System.out.printf(\"%,.2f %tA%n\", 1234.5, new Date(0));")),
    "a thread outlives main": Program(main("new Thread(() -> { try { Thread.sleep(200); } catch (InterruptedException e) {} System.out.println(\"late\"); }).start(); System.out.println(\"main\");")),
    "large output": Program(main("for (int i = 0; i < 100000; i++) System.out.println(i + \" xxxxxxxxxxxxxxxxxxxxxxxx\");")),
    "place": Program(main("System.out.println(System.getProperty(\"user.dir\") + ' ' + System.getProperty(\"user.name\") + ' ' + Files.list(Path.of(\".\")).sorted().toList());\n"
                          "for (String n : new String[] {\".\", \"out\", \"out/main.args\", \"out/Main.class\", \"/tmp\"}) System.out.println(Files.getPosixFilePermissions(Path.of(n)) + \" \" + Files.getOwner(Path.of(n)));\n"
                          "Files.writeString(Path.of(\"made\"), \"x\"); System.out.println(Files.getPosixFilePermissions(Path.of(\"made\")) + Files.readString(Path.of(\"out/main.args\")));\n"
                          "System.out.println(ProcessHandle.current().pid() + \" \" + ProcessHandle.current().parent().isPresent());")),
    "its own class": Program(main("Class<?> c = Main.class; System.out.println(c.getResource(\"Main.class\") + \" \" + c.getProtectionDomain().getCodeSource().getLocation() + \" \"\n"
                                  "+ c.getClassLoader().getName() + \" \" + Thread.currentThread().getContextClassLoader().getName() + \" \" + c.getModule() + \" \" + c.desiredAssertionStatus());")),
    "what the machine has": Program(main("Runtime r = Runtime.getRuntime(); System.out.println(r.maxMemory() + \" \" + r.availableProcessors() + \" \" + Runtime.version());\n"
                                         "System.out.println(java.lang.management.ManagementFactory.getRuntimeMXBean().getInputArguments() + \" \" + java.lang.management.ManagementFactory.getRuntimeMXBean().getClassPath());")),
    "descriptors": Program(main("TreeMap<Integer, String> all = new TreeMap<>(); for (String n : new java.io.File(\"/proc/self/fd\").list()) {\n"
                                "try { all.put(Integer.parseInt(n), Files.readSymbolicLink(Path.of(\"/proc/self/fd/\" + n)).toString().replaceAll(\"[0-9]{3,}\", \"N\")); } catch (Exception e) { } }\n"
                                "System.out.println(all.values());")),
    "status": Program(main("for (String line : Files.readAllLines(Path.of(\"/proc/self/status\")))\n"
                           "if (line.matches(\"(Name|Uid|Gid|Groups|NoNewPrivs|Seccomp|SigIgn|SigBlk|Cap...|Pid|PPid|TracerPid|Umask|NSpid|NSsid):.*\")) System.out.println(line);\n"
                           "System.out.println(Files.readString(Path.of(\"/proc/self/limits\")) + Files.readString(Path.of(\"/proc/self/cgroup\")));")),
    "out of memory": Program(main("List<byte[]> all = new ArrayList<>(); for (;;) all.add(new byte[1 << 22]);")),
    "stack overflow": Program(main("try { f(0); } catch (StackOverflowError e) { System.out.println(\"caught\"); } f(0);").replace("} }\n", "}\nstatic int f(int n) { return f(n + 1) + 1; } }\n")),
    "lambdas and strings": Program(main("int n = args.length; System.out.println(\"n=\" + n + java.util.stream.IntStream.range(0, 20).mapToObj(i -> \"<\" + i * n + \">\").collect(java.util.stream.Collectors.joining()));\n"
                                        "System.out.println(String.format(\"%s %d\", new TreeMap<>(Map.of(\"a\", 1, \"b\", 2)), 7)); var r = new Object() { int x = 5; }; System.out.println(r.x);"), arguments=("1", "2")),
    "in a package": Program("package a.b; public class Main { public static void main(String... a) { System.out.println(Main.class.getName() + System.getProperty(\"sun.java.command\")); throw new RuntimeException(); } }"),
    "another class": Program("class Other { } class Main { static class Inner { public static void main(String[] a) { System.out.println(\"inner\"); } } public static void main(String[] a) { System.out.println(new Exception().getStackTrace()[0]); } }"),
    "an interface": Program("public interface Main { static void main(String[] a) { System.out.println(\"interface \" + System.getProperty(\"sun.java.command\")); } }"),
    "an enum": Program("public enum Main { A, B; public static void main(String[] a) { System.out.println(java.util.Arrays.toString(values())); } }"),
    "main is private": Program("public class Main { private static void main(String[] a) { System.out.println(\"?\"); } }"),
    "a class that is missing": Program("public class Main { public static void main(String[] a) throws Exception { Class.forName(\"no.such.Thing\"); } }"),
    "loaded from the working directory": Program(main("System.out.println(Class.forName(\"Late\").getDeclaredConstructor().newInstance());").replace("public class", "class Late { public String toString() { return \"late\"; } }\npublic class")),
    "closed stdout": Program(main("System.err.println(\"x\"); System.out.close(); System.out.println(\"lost\"); System.out.checkError(); System.exit(System.out.checkError() ? 4 : 0);")),
}

"""Programs whose cold and warm runs must not differ, by the extension of their file."""

import ends
from program import Program

PYTHON = {
    "arguments": Program("import sys; print(sys.argv, sys.orig_argv)", arguments=("a", "b c", "", "ü")),
    "names": Program("print(__file__, __name__, __spec__, __package__, type(__loader__).__name__, __doc__, __builtins__.__name__)\n"
                     "import sys; print(sys.path[0], sys.executable, sys.flags, sorted(globals()))"),
    "traceback": Program("def f(n):\n  if n == 0: raise ValueError('boom')\n  f(n - 1)\ntry:\n  f(3)\n"
                         "except ValueError as e:\n  raise RuntimeError('outer') from e\n"),
    "stack": Program("import traceback, inspect\ndef f(): traceback.print_stack(); print(len(inspect.stack()))\nf()"),
    "syntax error": Program("print(1)\nif True print(2)\n"),
    "indentation error": Program("def f():\nreturn 1\n"),
    "null byte": Program("print(1)\n\0\n"),
    "encoding": Program("# -*- coding: latin-1 -*-\nprint('\u00e9')\n"),
    "recursion": Program("import sys\nn = 0\ndef f():\n  global n; n += 1; f()\ntry: f()\nexcept RecursionError as e: print(n, e, sys.getrecursionlimit())"),
    "exit code": Program("import sys; print('x'); sys.exit(42)"),
    "exit text": Program("import sys; sys.exit('a message')"),
    "exit none": Program("print('x'); raise SystemExit"),
    "exit large": Program("print('x'); raise SystemExit(257)"),
    "atexit order": Program("import atexit\natexit.register(print, 'one'); atexit.register(print, 'two'); print('main')"),
    "atexit error": Program("import atexit\natexit.register(lambda: 1 / 0); print('main')"),
    "finalizers": Program("class A:\n  def __init__(self, n): self.n = n\n  def __del__(self): print('del', self.n)\n"
                          "a = A('a'); _b = A('b'); c = [A('c')]; c.append(c); print('end')"),
    "finalizers use modules": Program("import os, json\nclass A:\n  def __del__(self): print(json.dumps([os.getcwd()]))\na = A()"),
    "unflushed file": Program("f = open('x', 'w'); f.write('data')\nimport os\nclass A:\n  def __del__(self): pass\n"
                              "import atexit; atexit.register(lambda: print(os.path.getsize('x')))\n"),
    "weak references": Program("import weakref\nclass A: pass\na = A(); weakref.finalize(a, print, 'finalized'); print('end')"),
    "unraisable": Program("class A:\n  def __del__(self): raise ValueError('in del')\na = A(); del a; print('x')"),
    "signal handler": Program("import signal, os\nsignal.signal(signal.SIGUSR1, lambda *a: print('got', a[0]))\n"
                              "os.kill(os.getpid(), signal.SIGUSR1); print('end')"),
    "signal dispositions": Program("import signal\nprint([(s.name, str(signal.getsignal(s))[:40]) for s in sorted(signal.valid_signals())\n"
                                   "  if isinstance(s, signal.Signals)]); print(signal.pthread_sigmask(signal.SIG_BLOCK, []))"),
    "default signal": Program("import os, signal; print('x', flush=True); os.kill(os.getpid(), signal.SIGTERM)", status="signaled"),
    "abort": Program("import os; print('x', flush=True); os.abort()", status="signaled"),
    "segmentation fault": Program("import ctypes; print('x', flush=True); ctypes.string_at(0)", status="signaled"),
    "interrupt": Program("import os, signal; print('x', flush=True); os.kill(os.getpid(), signal.SIGINT)", status="signaled"),
    "threads": Program("import threading\nt = [threading.Thread(target=lambda i=i: print('thread', i)) for i in range(3)]\n"
                       "for x in t: x.start(); x.join()\nprint(threading.current_thread().name, threading.active_count())"),
    "thread that outlives main": Program("import threading, time\nthreading.Thread(target=lambda: (time.sleep(.2), print('late'))).start(); print('main')"),
    "error in a thread": Program("import threading\nt = threading.Thread(target=lambda: 1 / 0, name='T'); t.start(); t.join(); print('end')"),
    "subprocess": Program("import subprocess, sys\nprint(subprocess.run([sys.executable, '-c', 'import sys; print(sys.argv, 6 * 7)', 'x'],\n"
                          "  capture_output=True, text=True).stdout)\nprint(subprocess.run('exit 3', shell=True).returncode)"),
    "environment of a child": Program("import subprocess\nprint(subprocess.run('env | sort', shell=True, capture_output=True, text=True).stdout)"),
    "multiprocessing": Program("import multiprocessing as m\ndef f(x): return x * x\nif __name__ == '__main__':\n"
                               "  with m.Pool(2) as p: print(p.map(f, range(5)))\n"),
    "multiprocessing spawn": Program("import multiprocessing as m\ndef f(q): q.put('from child')\nif __name__ == '__main__':\n"
                                     "  c = m.get_context('spawn'); q = c.SimpleQueue(); p = c.Process(target=f, args=(q,)); p.start()\n"
                                     "  print(q.get()); p.join(); print(p.exitcode)\n"),
    "fork": Program("import os\nif os.fork() == 0:\n  print('child', flush=True); os._exit(0)\nos.wait(); print('parent', os.getpid(), os.getppid())"),
    "asyncio": Program("import asyncio\nasync def f():\n  await asyncio.sleep(0.01)\n  r = await asyncio.gather(*[asyncio.to_thread(lambda i=i: i * 2) for i in range(3)])\n"
                       "  p = await asyncio.create_subprocess_exec('echo', 'sub', stdout=-1); print(r, (await p.communicate())[0])\nasyncio.run(f())"),
    "input": Program("print(repr(input()), repr(input('prompt ')))\ntry: input()\nexcept EOFError as e: print(repr(e))", stdin=b"one\ntwo\n"),
    "stdin": Program("import sys; print(sys.stdin.readline(), sys.stdin.buffer.read())", stdin=b"first\n\xff\xfe"),
    "locale": Program("import locale, sys; print(locale.getlocale(), sys.getfilesystemencoding(), sys.stdout.encoding, sys.stdin.encoding,\n"
                      "  sys.stderr.errors, locale.getpreferredencoding())\nprint('\u00fc\u4e16\U0001f600')"),
    "streams": Program("import sys; print([(s.fileno(), s.mode, s.isatty(), s.line_buffering, s.name) for s in (sys.stdin, sys.stdout, sys.stderr)])"),
    "large output": Program("import sys\nfor i in range(200000): sys.stdout.write(f'{i} ' + 'x' * 40 + '\\n')\nsys.stdout.flush()"),
    "large output unflushed": Program("print('y' * 3000000, end='')"),
    "closed stdout": Program("import sys; sys.stderr.write('x\\n'); sys.stdout.close()"),
    "place": Program("import os, pwd; print(os.getcwd(), os.listdir('.'), os.getuid(), os.getgid(), os.getgroups(), os.getpid(), os.getppid(),\n"
                     "  os.getsid(0) == os.getpid(), os.umask(0), os.uname()[1], os.environ['HOME'], pwd.getpwuid(os.getuid()))"),
    "limits": Program("import resource as r\nprint([(n, r.getrlimit(getattr(r, n))) for n in sorted(dir(r)) if n.startswith('RLIMIT_')])"),
    "status": Program("for l in open('/proc/self/status'):\n  if l.split(':')[0] in ('Name', 'Uid', 'Gid', 'Groups', 'NoNewPrivs', 'Threads', 'SigBlk', 'SigIgn',\n"
                      "      'CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'Pid', 'PPid', 'TracerPid'): print(l, end='')"),
    "mounts": Program("import os; print(os.listdir('/tmp'), sorted(os.listdir('/dev')), oct(os.stat('/tmp').st_mode), os.stat('/work').st_uid, os.stat(__file__).st_mode)"),
    "namespaces": Program("import socket, os\nprint(socket.gethostname(), [i[1] for i in socket.if_nameindex()], open('/proc/self/cgroup').read())"),
    "imports": Program("import sys, json, collections, re, datetime, random, numbers, dataclasses, typing, itertools, functools, decimal, hashlib\n"
                       "random.seed(5); print(random.random(), hashlib.sha256(b'x').hexdigest(), decimal.Decimal(1) / 3, json.dumps({'a': [1]}))"),
    "modules loaded": Program("import sys; print(sorted(sys.modules))"),
    "main can be imported": Program("import __main__, sys; print(__main__.__file__, sys.modules['__main__'] is __main__, vars(__main__) is globals())"),
    "pickle": Program("import pickle\nclass A: pass\nprint(pickle.loads(pickle.dumps(A)).__module__)"),
    "warnings": Program("import warnings; warnings.warn('careful'); print('x')"),
    "garbage": Program("import gc; print(gc.isenabled(), gc.get_threshold(), len(gc.garbage))"),
    "source read again": Program("import inspect\ndef f(): return 1\nprint(inspect.getsource(f), open(__file__).readline())"),
    "excepthook": Program("import sys\nsys.excepthook = lambda *a: print('hook', a[0].__name__)\nraise ValueError"),
    "stdout replaced": Program("import sys, io\nclass T(io.StringIO):\n  pass\nold = sys.stdout; sys.stdout = T(); print('lost'); old.write('kept\\n')"),
    "faulthandler": Program("import faulthandler, sys; faulthandler.enable(); print(faulthandler.is_enabled())"),
}

JAVASCRIPT = {
    "arguments": Program("console.log(process.argv, process.execArgv, process.argv0, process.execPath, process.title)", arguments=("a", "b c", "", "ü")),
    "names": Program("console.log(__filename, __dirname, require.main === module, module.id, module.paths, module.loaded, module.parent, module.children, Object.keys(require.cache))"),
    "error": Program("function f() { throw new TypeError('boom') }\nf();"),
    "stack": Program("console.log(new Error('x').stack)"),
    "syntax error": Program("console.log(1);\nlet let = 2;\n"),
    "exit code": Program("console.log('x'); process.exitCode = 7"),
    "exit": Program("process.on('exit', c => console.log('exit', c)); process.exit(3)"),
    "exit in a handler": Program("process.on('exit', c => { console.log('exit', c); process.exit(9) }); console.log('x')"),
    "before exit": Program("let n = 0; process.on('beforeExit', c => { console.log('before', c); if (n++ < 2) setImmediate(() => console.log('more')) })"),
    "async exit code": Program("setTimeout(() => { console.log('later'); process.exitCode = 5 }, 10)"),
    "unhandled rejection": Program("console.log('x'); Promise.reject(new Error('rejected'))"),
    "uncaught handler": Program("process.on('uncaughtException', e => console.log('caught', e.message)); setTimeout(() => { throw new Error('late') }, 5)"),
    "order": Program("setTimeout(() => console.log('timeout')); setImmediate(() => {}); process.nextTick(() => console.log('tick')); Promise.resolve().then(() => console.log('promise')); console.log('sync')"),
    "files": Program("const fs = require('node:fs'); fs.writeFileSync('a', 'x'); fs.readFile('a', (e, d) => console.log(e, d.toString(), fs.readdirSync('.').sort()));"),
    "promises of files": Program("require('fs/promises').readFile(__filename, 'utf8').then(t => console.log(t.length))"),
    "worker": Program("const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');\nif (isMainThread) {\n"
                      "  const w = new Worker(__filename, { workerData: 5 }); w.on('message', m => console.log('got', m)); w.on('exit', c => console.log('exit', c));\n"
                      "} else { parentPort.postMessage([workerData, process.argv, process.execArgv, __filename]) }"),
    "child process": Program("const { spawn, execFileSync, fork } = require('child_process');\nif (process.argv[2] === 'child') { process.send([process.argv, process.execArgv]); process.disconnect() }\n"
                             "else { console.log(execFileSync(process.execPath, ['-p', '6*7']).toString());\n"
                             "  const c = fork(__filename, ['child']); c.on('message', m => console.log(m)); c.on('exit', (code, s) => { console.log(code, s);\n"
                             "    const s2 = spawn('sh', ['-c', 'cat; exit 4'], { stdio: ['pipe', 'inherit', 'inherit'] }); s2.stdin.end('through\\n'); s2.on('close', c => console.log('close', c)) }) }"),
    "environment of a child": Program("console.log(require('child_process').execFileSync('/usr/bin/env').toString().split('\\n').sort(), process.env)"),
    "stdin": Program("process.stdin.setEncoding('utf8'); let t = ''; process.stdin.on('data', d => t += d).on('end', () => console.log(JSON.stringify(t)))", stdin=b"one\ntwo\n"),
    "stdin at once": Program("console.log(JSON.stringify(require('fs').readFileSync(0, 'utf8')))", stdin=b"all\nof it"),
    "readline": Program("const r = require('readline').createInterface({ input: process.stdin }); r.on('line', l => console.log('[' + l + ']')); r.on('close', () => console.log('close'))", stdin=b"a\nb\n"),
    "large output": Program("for (let i = 0; i < 100000; i++) console.log(i, 'x'.repeat(40))"),
    "large output then exit": Program("process.stdout.write('y'.repeat(10000000), () => process.exit(2))"),
    "streams": Program("const n = s => [s.constructor.name, s.fd, s.isTTY, s.writableLength]; console.log(n(process.stdout), n(process.stderr)); console.error('err')"),
    "signal": Program("console.log('x'); process.kill(process.pid, 'SIGTERM'); setTimeout(() => {}, 1000)", status="signaled"),
    "signal handler": Program("process.on('SIGUSR2', s => { console.log(s); clearTimeout(t) }); const t = setTimeout(() => {}, 5000); process.kill(process.pid, 'SIGUSR2')"),
    "abort": Program("require('fs').writeSync(1, 'x\\n'); process.on('exit', () => {}); process.kill(process.pid, 'SIGABRT')", status="signaled"),
    "place": Program("const os = require('os'); console.log(process.cwd(), process.pid, process.ppid, process.getuid(), process.umask(), os.hostname(), os.homedir(), os.tmpdir(), process.version, process.platform)"),
    "memory and collections": Program("let a = []; for (let i = 0; i < 400000; i++) a.push({ i, s: 'k' + i }); console.log(a.length); a = null; const b = Buffer.alloc(3e7); console.log(b.length)"),
    "compute": Program("function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2) } console.log(fib(27)); console.log([...Array(1e5).keys()].map(x => x * 2).filter(x => x % 3 === 0).reduce((a, b) => a + b))"),
    "thread pool": Program("const c = require('crypto'); let n = 0; for (let i = 0; i < 8; i++) c.pbkdf2('a', 'b', 2000, 16, 'sha256', (e, k) => { if (++n === 8) console.log(k.toString('hex')) })"),
    "zlib and dns": Program("const z = require('zlib'), { promisify: p } = require('util');\n"
                            "Promise.all([p(z.gzip)('x'.repeat(1000)).then(p(z.gunzip)).then((t) => t.length), p(require('dns').lookup)('localhost')])"
                            ".then(([n, a]) => console.log(n, a.address))"),
    "sockets": Program("const net = require('net'); const s = net.createServer(c => c.end('bye')); s.listen('/tmp/s', () => net.connect('/tmp/s').on('data', d => console.log(d.toString())).on('close', () => s.close(() => console.log('closed'))))"),
    "dynamic import": Program("import('node:path').then(p => console.log(p.join('a', 'b')))"),
    "modules loaded": Program("console.log(Object.keys(require('module')).sort(), Object.getOwnPropertyNames(globalThis).length)"),
    "performance": Program("const t = performance.now(); setTimeout(() => console.log(performance.now() - t > 8, Math.abs(Date.now() - performance.timeOrigin - performance.now()) < 50), 10)"),
    "async hooks": Program("const { AsyncLocalStorage } = require('async_hooks'); const a = new AsyncLocalStorage(); a.run(5, () => setTimeout(() => console.log(a.getStore()), 5))"),
    "wasm": Program("WebAssembly.instantiate(new Uint8Array([0,97,115,109,1,0,0,0,1,5,1,96,0,1,127,3,2,1,0,7,5,1,1,102,0,0,10,6,1,4,0,65,42,11])).then(r => console.log(r.instance.exports.f()))"),
    "atomics": Program("const s = new SharedArrayBuffer(4); const { Worker } = require('worker_threads'); const w = new Worker('const { workerData: s } = require(\"worker_threads\"); Atomics.store(new Int32Array(s), 0, 7); Atomics.notify(new Int32Array(s), 0)', { eval: true, workerData: s }); Atomics.wait(new Int32Array(s), 0, 0, 3000); console.log(new Int32Array(s)[0]); w.on('exit', c => console.log('exit', c))"),
}

MODULES = {
    "top-level await": Program("const x = await new Promise(r => setTimeout(() => r(5), 5)); console.log(x, import.meta.url, import.meta.filename, process.argv.slice(1))", arguments=("a",)),
    "imports": Program("import fs, { readFileSync } from 'node:fs'; import path from 'path'; import { createRequire } from 'module'; console.log(readFileSync(process.argv[1]).length, path.basename(import.meta.url), createRequire(import.meta.url)('os').EOL.length)"),
    "error": Program("import 'fs';\nconst f = () => { throw new Error('boom') };\nf();"),
    "never settled": Program("console.log('x'); await new Promise(() => {})"),
    "strict": Program("console.log(typeof require, typeof module, this)"),
}

RUBY = {
    "arguments": Program("p ARGV, $0, __FILE__, __FILE__ == $0, __dir__, $PROGRAM_NAME", arguments=("a", "b c", "")),
    "error": Program("def f = raise(ArgumentError, 'boom')\nbegin\n  f\nrescue => e\n  raise 'outer'\nend\n"),
    "syntax error": Program("puts 1\nif true puts 2\n"),
    "exit code": Program("puts 'x'; exit 7"),
    "exit bang": Program("puts 'x'; $stdout.flush; exit! 8"),
    "abort": Program("abort 'a message'"),
    "at exit": Program("at_exit { puts 'one' }\nat_exit { puts 'two'; exit 5 }\nputs 'main'"),
    "finalizer": Program("ObjectSpace.define_finalizer(Object.new, proc { puts 'finalized' }); puts 'end'"),
    "data": Program("puts DATA.read\n__END__\nline one\nline two\n"),
    "end block": Program("END { puts 'end' }\nBEGIN { puts 'begin' }\nputs 'main'"),
    "return": Program("puts 'x'\nreturn\nputs 'never'"),
    "threads": Program("puts 3.times.map { |i| Thread.new { i * 2 } }.map(&:value).inspect; q = Queue.new; Thread.new { q << 5 }; puts q.pop, Thread.list.size"),
    "fork": Program("pid = fork { puts 'child'; exit 3 }; Process.wait(pid); puts $?.exitstatus"),
    "subprocess": Program("puts `echo sub`, $?.success?; puts system('exit 4').inspect; IO.popen(['cat'], 'r+') { |io| io.write 'x'; io.close_write; puts io.read }"),
    "environment of a child": Program("puts `env`.split(\"\\n\").sort, ENV.to_h.sort.inspect"),
    "input": Program("p gets, $stdin.read, gets", stdin=b"one\ntwo\n"),
    "signal handler": Program("trap('USR1') { puts 'got' }; Process.kill('USR1', $$); sleep 0.1; puts 'end'"),
    "default signal": Program("puts 'x'; $stdout.flush; Process.kill('TERM', $$); sleep 1", status="signaled"),
    "interrupt": Program("begin; Process.kill('INT', $$); sleep 1; rescue Interrupt => e; p e.class; end"),
    "large output": Program("200_000.times { |i| puts \"#{i} #{'x' * 40}\" }"),
    "unflushed file": Program("$f = File.open('x', 'w'); $f.write 'data'; at_exit { $f.close; puts File.size('x') }"),
    "place": Program("p Dir.pwd, Process.pid, Process.ppid, Process.uid, File.umask, Dir.children('.'), Encoding.default_external, $stdout.sync, $,"),
    "libraries": Program("require 'json'; require 'set'; require 'time'; require 'digest'; puts JSON.dump({ a: [1] }), Set[1, 2].inspect, Digest::SHA256.hexdigest('x'), srand(5) && rand(100)"),
    "outermost binding": Program("x = 5; p TOPLEVEL_BINDING.local_variables, TOPLEVEL_BINDING.receiver\nrequire 'erb'; puts ERB.new('<%= x %>').result\n"
                                 "def f = eval('x += 1', TOPLEVEL_BINDING)\np f, x; TOPLEVEL_BINDING.local_variable_set(:y, 1); p TOPLEVEL_BINDING.local_variables"),
    "lines traced": Program("seen = []\nTracePoint.new(:line) { |t| seen << t.lineno }.enable do\n  1\n  2\nend\np seen"),
    "nothing": Program("\n# nothing\nwarn 'x' if false\n$stdout.write('x')"),
    "what is loaded": Program("puts Object.constants.sort, $LOADED_FEATURES.sort; p defined?(StringIO)"),
    "main object": Program("p self, self.class, local_variables, binding.local_variables; x = 1; p binding.local_variables"),
    "fibers and enumerators": Program("e = Enumerator.new { |y| 3.times { |i| y << i } }; p e.next, e.next; f = Fiber.new { Fiber.yield 1; 2 }; p f.resume, f.resume"),
    "segmentation": Program("puts 'x'; $stdout.flush; Process.kill('SEGV', $$) if false; Process.kill('KILL', $$)", status="signaled"),
    "timeouts": Program("require 'timeout'; begin; Timeout.timeout(0.1) { sleep 5 }; rescue Timeout::Error => e; puts e.message; end"),
    "require relative": Program("File.write('lib.rb', 'puts __FILE__'); require_relative 'lib'; load './lib.rb'"),
}

PHP = {
    "names": Program("<?php var_dump($argv, $argc, __FILE__, __DIR__, $_SERVER['argv'], $_SERVER['SCRIPT_NAME'], PHP_SAPI, get_included_files());"),
    "error": Program("<?php function f() { throw new Exception('boom'); }\nf();"),
    "parse error": Program("<?php echo 1\nif (true {"),
    "warning": Program("<?php echo $undefined; echo 'x';"),
    "exit code": Program("<?php echo 'x'; exit(7);"),
    "exit text": Program("<?php exit('bye');"),
    "shutdown": Program("<?php register_shutdown_function(function () { echo 'down'; }); class A { function __destruct() { echo 'destruct'; } } $a = new A; echo 'main';"),
    "input": Program("<?php var_dump(fgets(STDIN), stream_get_contents(STDIN), file_get_contents('php://stdin'));", stdin=b"one\ntwo\n"),
    "output buffer": Program("<?php ob_start(); echo 'a'; $x = ob_get_clean(); echo strtoupper($x); ob_start(); echo 'left';"),
    "large output": Program("<?php for ($i = 0; $i < 200000; $i++) echo $i, ' ', str_repeat('x', 40), \"\\n\";"),
    "include": Program("<?php file_put_contents('a.php', '<?php return __FILE__;'); echo include 'a.php';"),
    "time and memory": Program("<?php echo $_SERVER['REQUEST_TIME'] - time() < 2 ? 'now' : 'then', abs($_SERVER['REQUEST_TIME'] - time()) < 3 ? 'y' : 'n', ini_get('memory_limit'), ini_get('max_execution_time');"),
    "subprocess": Program("<?php echo shell_exec('echo sub'); passthru('exit 3', $c); echo $c;"),
    "environment": Program("<?php $e = getenv(); ksort($e); print_r($e); echo shell_exec('env | sort');"),
    "place": Program("<?php echo getcwd(), getmypid(), ' ', posix_getuid(), umask(), gethostname(), implode(',', scandir('.'));"),
    "extensions": Program("<?php $x = get_loaded_extensions(); sort($x); echo implode(',', $x), json_encode(['a' => 1]), md5('x'), preg_replace('/a/', 'b', 'aaa');"),
    "html before": Program("text before\n<?php echo 1 ?>\ntext after\n"),
    "generators": Program("<?php function g() { yield 1; yield from [2, 3]; } foreach (g() as $x) echo $x; mt_srand(5); echo mt_rand();"),
}

PERL = {
    "arguments": Program("print join('|', @ARGV), \"$0 \", __FILE__, ' ', scalar(@ARGV), \"\\n\";", arguments=("a", "b c", "")),
    "error": Program("sub f { die { code => 5 } if 0; die 'boom' }\nf();"),
    "warning": Program("use strict; use warnings; my $x; print \"a$x\\n\"; warn 'careful';"),
    "syntax error": Program("print 1;\nif (1 { }"),
    "exit code": Program("print 'x'; exit 7"),
    "end blocks": Program("BEGIN { print 'begin ' } INIT { print 'init ' } CHECK { print 'check ' } END { print 'end'; $? = 4 } print 'main ';"),
    "data": Program("print while <DATA>;\n__END__\none\ntwo\n"),
    "destroy": Program("package A; sub new { bless {} } sub DESTROY { print 'destroy' } package main; our $a = A->new; my $b = A->new; print 'end ';"),
    "input": Program("my $l = <STDIN>; print $l; print <>;", stdin=b"one\ntwo\nthree\n"),
    "fork": Program("$| = 1; if (my $p = fork) { waitpid $p, 0; print $? >> 8 } else { print 'child '; exit 3 }"),
    "subprocess": Program("print `echo sub`, system('exit 4') >> 8;"),
    "environment": Program("print map { \"$_=$ENV{$_}\\n\" } sort keys %ENV; print sort `env`;"),
    "signals": Program("$SIG{USR1} = sub { print 'got ' }; kill USR1 => $$; print 'end';"),
    "default signal": Program("$| = 1; print 'x'; kill TERM => $$; sleep 1", status="signaled"),
    "shebang flags": Program("#!/usr/bin/perl -w\nmy $x; print \"a\" . $x;"),
    "place": Program("use Cwd; print getcwd, \" $$ $< $( \", umask, ' ', (getpwuid $<)[0], ' ', join ',', <*>;"),
    "modules": Program("use List::Util 'sum'; use POSIX; use Data::Dumper; use JSON::PP; print sum(1, 2), floor(1.5), encode_json([1]), join ' ', grep !/^\\/usr\\/share/, sort keys %INC;"),
    "large output": Program("print \"$_ \" . 'x' x 40 . \"\\n\" for 1 .. 200000"),
    "caller": Program("sub f { my @c = caller(0); print \"@c[0..3]\" } f(); print defined caller() ? 'called' : 'main';"),
    "sorted hash and srand": Program("srand(5); print int(rand(1000)); my %h = (a => 1); print %h;"),
}

LUA = {
    "arguments": Program("print(#arg, arg[0], arg[-1], ...) for i, a in ipairs(arg) do print(i, a) end", arguments=("a", "b c", "")),
    "error": Program("local function f() error('boom') end\nf()"),
    "error object": Program("error({ code = 1 })"),
    "error with tostring": Program("error(setmetatable({}, { __tostring = function() return 'told' end }))"),
    "syntax error": Program("print(1)\nif true print(2)\n"),
    "exit code": Program("print('x') os.exit(7)"),
    "exit false": Program("print('x') os.exit(false)"),
    "close": Program("setmetatable({}, { __gc = function() print('gc') end }) print('end') os.exit(3, true)"),
    "collected at the end": Program("X = setmetatable({}, { __gc = function() print('gc') end }) print('end')"),
    "input": Program("print(io.read('l'), io.read('a'), io.read('l'))", stdin=b"one\ntwo\n"),
    "environment": Program("print(os.getenv('LUA_INIT'), os.getenv('HOME'), os.getenv('LD_PRELOAD')) local p = io.popen('env | sort') print(p:read('a'))"),
    "globals": Program("local n = {} for k in pairs(_G) do n[#n + 1] = k end table.sort(n) print(table.concat(n, ' ')) n = {} for k in pairs(package.loaded) do n[#n + 1] = k end table.sort(n) print(table.concat(n, ' '))"),
    "traceback": Program("print(debug.traceback('x')) print(debug.getinfo(1, 'S').source)"),
    "seeded": Program("math.randomseed(5) print(math.random(1000), math.random(1000))"),
    "large output": Program("for i = 1, 200000 do print(i, ('x'):rep(40)) end"),
    "coroutines": Program("local c = coroutine.wrap(function(...) print(...) coroutine.yield(2) error('inside') end) c(1) c() "),
    "modules": Program("local f = io.open('m.lua', 'w') f:write('return ...') f:close() package.path = './?.lua' print(require('m')) print(pcall(require, 'nothing'))"),
}

ALL = {
    "py": PYTHON | ends.PYTHON,
    "js": JAVASCRIPT | ends.JAVASCRIPT,
    "mjs": MODULES | ends.MODULES,
    "rb": RUBY | ends.RUBY,
    "php": PHP | ends.PHP,
    "pl": PERL,
    "lua": LUA,
}

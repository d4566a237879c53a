// What Go's standard library asks of the system; tools/measure_syscalls.py runs it.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

func main() {
	os.MkdirAll("d/e", 0o755)
	f, _ := os.Create("d/a")
	f.WriteString("text")
	f.WriteAt([]byte("x"), 0)
	f.ReadAt(make([]byte, 1), 0)
	f.Seek(0, 0)
	f.Read(make([]byte, 1))
	f.Sync()
	f.Truncate(2)
	f.Chmod(0o600)
	f.Chown(-1, -1)
	f.Stat()
	syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
	g, _ := os.Create("d/g")
	io.Copy(g, f)
	g.Close()
	f.Close()
	os.Rename("d/a", "d/b")
	os.Link("d/b", "d/l")
	os.Symlink("b", "d/s")
	os.Readlink("d/s")
	os.Chmod("d/b", 0o644)
	os.Chown("d/b", -1, -1)
	os.Lchown("d/s", -1, -1)
	os.Chtimes("d/b", time.Now(), time.Now())
	os.Truncate("d/b", 1)
	os.Stat("d/b")
	os.Lstat("d/s")
	filepath.Walk(".", func(string, os.FileInfo, error) error { return nil })
	os.CreateTemp("", "x")
	syscall.Mkfifo("d/p", 0o600)
	syscall.Access("d/b", 4)
	var fs syscall.Statfs_t
	syscall.Statfs(".", &fs)
	os.Chdir(".")
	os.Getwd()
	os.RemoveAll("d")
	exec.Command("/bin/true").Run()
	exec.Command("cat").Output()
	r, w, _ := os.Pipe()
	w.Write([]byte("x"))
	r.Read(make([]byte, 1))
	var group sync.WaitGroup
	for i := 0; i < 30; i++ {
		group.Add(1)
		go func() { time.Sleep(time.Millisecond); runtime.Gosched(); group.Done() }()
	}
	group.Wait()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	<-signals
	runtime.GC()
	os.Hostname()
	user.Current()
	os.Getgroups()
	var limit syscall.Rlimit
	syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
	syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
	if server, err := net.Listen("unix", "socket"); err == nil {
		go func() {
			if one, err := server.Accept(); err == nil {
				one.Write([]byte("x"))
				one.Close()
			}
		}()
		if one, err := net.Dial("unix", "socket"); err == nil {
			io.ReadAll(one)
		}
		server.Close()
	}
	net.Listen("tcp", "127.0.0.1:0")
	net.DialTimeout("tcp", "127.0.0.1:1", time.Second)
	net.ListenPacket("udp", "127.0.0.1:0")
	net.Interfaces()
	net.LookupHost("localhost")
	fmt.Println("done")
}

"""For each language: a program whose every line is worth a finding, and an ordinary one that is worth none.

A finding is (rule, line). The ordinary programs do what ordinary programs do: import what could harm, open files where
they may, read variables that every run has.
"""

PYTHON = ("py", """\
import os, socket, subprocess, ctypes
import urllib.request
import requests as r, requests
socket.socket(socket.AF_INET)
urllib.request.urlopen("http://x")
requests.get("http://x")
open("/etc/hosts", "a")
os.remove("/etc/hosts")
ctypes.CDLL("libc.so.6")
eval("1")
os.environ["SECRET"]
""", {("python-socket", 4), ("python-standard-client", 5), ("python-http-module", 6), ("python-write", 7),
      ("python-change-files", 8), ("python-native", 9), ("python-dynamic", 10), ("python-environment", 11)}, """\
import os, sys, socket, subprocess, json
requests = {"get": 1}
print(requests.get("get"), socket.AF_INET, os.getcwd(), os.environ["HOME"])
with open("out.txt", "w") as f, open("/tmp/x", "w") as g, open("/etc/passwd") as h:
    f.write("socket.socket() open('/etc/x', 'w')")  # socket.socket()
print(subprocess.run(["true"]).returncode, os.path.exists("/etc"))
""")

JAVASCRIPT = ("js", """\
const http = require("http");
const fs = require("fs");
fetch("http://x");
http.get("http://x");
fs.writeFileSync("/etc/x", "");
new Function("return 1");
process.env.SECRET;
require("./addon.node");
""", {("javascript-fetch", 3), ("javascript-network-module", 4), ("javascript-write", 5), ("javascript-dynamic", 6),
      ("javascript-environment", 7), ("javascript-native", 8)}, """\
import fs from "node:fs";
function fetch(x) { return x; }
const net = { connect() {} };
net.connect();
fetch("http://x");
fs.writeFileSync("out.txt", `${process.env.HOME}`);
fs.writeFileSync("/tmp/x", "fetch('http://x')");
console.log(fs.readFileSync("/etc/hosts", "utf8"), process.argv);
""")

TYPESCRIPT = ("ts", """\
import * as fs from "fs";
const answer: Promise<Response> = fetch("http://x");
fs.writeFileSync("/etc/x" as string, "");
fs.appendFileSync("/etc/x", "");
""", {("javascript-fetch", 2), ("javascript-write", 4)}, """\
interface Point { x: number; y: number }
const net = { connect<T>(x: T): T { return x; } };
console.log(net.connect<Point>({ x: 1, y: 2 }), process.env.HOME as string);
""")

SHELL = ("sh", """\
curl -s http://x
apt-get -y install foo
echo > /etc/x
rm -rf /etc/x
eval "$1"
exec 3<> /dev/tcp/x/80
""", {("shell-network", 1), ("shell-install", 2), ("shell-write", 3), ("shell-change-files", 4), ("shell-dynamic", 5),
      ("shell-dev-tcp", 6)}, """\
echo curl http://x '> /etc/x' # curl
x=$(ls | wc -l) 2>/dev/null >out.txt
cat < /etc/hosts >> /tmp/y
rm -rf ./tmp "$x"/y
install -m 644 out.txt /tmp/z
""")

C = ("c", """\
#include <sys/socket.h>
int main(void) {
  socket(AF_INET, SOCK_STREAM, 0);
  fopen("/etc/x", "w");
  open("/etc/x", O_WRONLY | O_CREAT, 0600);
  unlink("/etc/x");
  getenv("SECRET");
  dlopen("x.so", 1);
  mmap(0, 1, PROT_EXEC, 0, 0, 0);
}
""", {("c-network", 3), ("c-write", 4), ("c-write", 5), ("c-change-files", 6), ("c-environment", 7), ("c-native", 8),
      ("c-dynamic", 9)}, """\
#include <stdio.h>
#include <sys/socket.h>
int main(void) {
  FILE *in = fopen("/etc/hosts", "r"), *out = fopen("out", "w");
  int fd = open("/etc/hosts", O_RDONLY), s = socket(AF_UNIX, SOCK_STREAM, 0);
  printf("socket fopen(\\"/etc/x\\", \\"w\\") %s\\n", getenv("HOME"));
  return fork() == 0;
}
""")

CPP = ("cpp", """\
#include <boost/asio.hpp>
#include <fstream>
int main() {
  std::ofstream out("/etc/x");
  std::filesystem::remove("/etc/x");
  std::getenv("SECRET");
  fopen("/etc/x", "w");
}
""", {("c-network-library", 1), ("cpp-write", 4), ("cpp-change-files", 5), ("cpp-environment", 6), ("c-write", 7)}, """\
#include <fstream>
#include <iostream>
template <class T> struct socket { T t; };
int main() {
  std::ofstream out("out.txt"), log{"/tmp/log"};
  std::ifstream in("/etc/hosts");
  socket<int> s{1};
  std::cout << std::getenv("HOME") << s.t;
}
""")

GO = ("go", """\
package main
import ("net/http"; "os"; "unsafe")
func main() {
	http.Get("http://x")
	os.WriteFile("/etc/x", nil, 0)
	os.Remove("/etc/x")
	os.Getenv("SECRET")
}
""", {("go-native", 2), ("go-network", 4), ("go-write", 5), ("go-change-files", 6), ("go-environment", 7)}, """\
package main
import ("fmt"; "os")
type client struct{}
func (client) Get(s string) string { return s }
func main() {
	http := client{}
	fmt.Println(http.Get("http://x"), os.Getenv("HOME"), "net.Dial")
	os.WriteFile("out.txt", nil, 0644)
	os.ReadFile("/etc/hosts")
}
""")

RUST = ("rs", """\
use std::{env, fs, net::TcpStream};
extern "C" { fn getpid() -> i32; }
fn main() {
    TcpStream::connect("x:80").unwrap();
    fs::write("/etc/x", "").unwrap();
    env::var("SECRET").unwrap();
}
""", {("rust-native", 2), ("rust-network", 4), ("rust-write", 5), ("rust-environment", 6)}, """\
use std::{env, fs};
struct Stream;
impl Stream { fn connect(x: &str) -> String { x.to_string() } }
fn main() {
    println!("{} TcpStream::connect {}", Stream::connect("x"), env::var("HOME").unwrap());
    fs::write("out.txt", fs::read("/etc/hosts").unwrap()).unwrap();
}
""")

JAVA = ("java", """\
import java.net.*;
class Main {
  public static void main(String[] a) throws Exception {
    new Socket("x", 80);
    HttpClient.newHttpClient();
    new FileWriter("/etc/x");
    Files.writeString(Path.of("/etc/x"), "");
    System.loadLibrary("x");
    Class.forName("x");
    System.getenv("SECRET");
  }
}
""", {("java-network", 4), ("java-network", 5), ("java-write", 6), ("java-write", 7), ("java-native", 8),
      ("java-dynamic", 9), ("java-environment", 10)}, """\
import java.io.*;
import java.nio.file.*;
class Main {
  record Socket(String host, int port) {}
  public static void main(String[] a) throws Exception {
    System.out.println(new Socket("x", 80) + System.getenv("HOME"));
    new FileWriter("out.txt").close();
    Files.readString(Path.of("/etc/hosts"));
  }
}
""")

RUBY = ("rb", """\
require "net/http"
Net::HTTP.get("x", "/")
TCPSocket.new("x", 80)
File.write("/etc/x", "")
File.open("/etc/x", "w")
eval("1")
ENV["SECRET"]
Fiddle.dlopen(nil)
""", {("ruby-network", 2), ("ruby-network", 3), ("ruby-write", 4), ("ruby-write", 5), ("ruby-dynamic", 6),
      ("ruby-environment", 7), ("ruby-native", 8)}, """\
require "socket"
class Net; def self.get(x) = x; end
puts Net.get("http://x"), ENV["HOME"], File.read("/etc/hosts")
File.write("out.txt", "TCPSocket.new('x', 80)")
File.open("/etc/hosts", "r") { |f| puts f.gets }
puts `true`, system("true")
""")

PHP = ("php", """\
<?php
curl_init("http://x");
file_get_contents("http://x");
file_put_contents("/etc/x", "");
fopen('/etc/x', 'w');
unlink("/etc/x");
eval("1;");
getenv("SECRET");
FFI::cdef("");
""", {("php-network", 2), ("php-network", 3), ("php-write", 4), ("php-write", 5), ("php-change-files", 6),
      ("php-dynamic", 7), ("php-environment", 8), ("php-native", 9)}, """\
<?php
class Http { function get($x) { return $x; } }
echo (new Http)->get("http://x"), getenv("HOME"), file_get_contents("/etc/hosts");
file_put_contents("out.txt", "curl_init('http://x')");
$f = fopen("/etc/hosts", "r");
echo exec("true");
""")

LANGUAGES = {"python": PYTHON, "javascript": JAVASCRIPT, "typescript": TYPESCRIPT, "shell": SHELL, "c": C, "cpp": CPP,
             "go": GO, "rust": RUST, "java": JAVA, "ruby": RUBY, "php": PHP}

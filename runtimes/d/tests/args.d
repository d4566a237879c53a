import std.stdio;

void main(string[] args) {
  foreach (argument; args[1 .. $]) writeln(argument);
}

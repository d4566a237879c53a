void main(string[] args) {
  foreach (var argument in args[1:args.length]) stdout.printf("%s\n", argument);
}

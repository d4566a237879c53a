int main(int argc, array(string) argv) {
  foreach (argv[1..], string argument) write(argument + "\n");
  return 0;
}

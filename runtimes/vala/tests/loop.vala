void main() {
  uint n = 0;
  while (true) n = n * 3 + 1;
}

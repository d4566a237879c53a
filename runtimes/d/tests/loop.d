void main() {
  for (;;) {}
}

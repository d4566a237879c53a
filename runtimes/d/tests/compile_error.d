void main() {
  int a = 1;
  string b = a;
}

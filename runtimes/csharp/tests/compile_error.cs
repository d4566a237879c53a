class Program {
  static void Main() {
    int a = "text";
  }
}

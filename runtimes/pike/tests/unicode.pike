#charset utf-8
int main() {
  write(string_to_utf8("Grüße, 世界 🌍\n"));
  return 0;
}

object Endless {
  def main(args: Array[String]): Unit = while (true) {}
}

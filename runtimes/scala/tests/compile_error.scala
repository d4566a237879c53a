object Wrong {
  def main(args: Array[String]): Unit = {
    val a: Int = "text"
  }
}

fun main() {
    val a = 1
    val b: String = a
}

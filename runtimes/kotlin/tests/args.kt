fun main(args: Array<String>) {
    args.forEach { println(it) }
}

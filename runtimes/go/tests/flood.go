package main

import (
	"bufio"
	"os"
	"strings"
)

func main() {
	out := bufio.NewWriter(os.Stdout)
	for {
		out.WriteString(strings.Repeat("x", 63) + "\n")
	}
}

package main

import (
	"bufio"
	"os"
	"strconv"
)

func main() {
	port, _ := strconv.Atoi(os.Args[len(os.Args)-1])
	// Ask each line of standard input by UDP at 127.0.0.1 and this port, and print the answer.
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
	}
	_ = port
}

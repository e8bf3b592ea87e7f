package main

import (
	"bufio"
	"os"
	"strconv"
)

func main() {
	port, _ := strconv.Atoi(os.Args[len(os.Args)-1])
	// Connect to 127.0.0.1 and this port. Send the lines of standard input, and print what comes back.
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
	}
	_ = port
}

package main

import (
	"bufio"
	"os"
	"strconv"
)

func main() {
	address := os.Args[len(os.Args)-2]
	port, _ := strconv.Atoi(os.Args[len(os.Args)-1])
	// Connect to this address and port. Send the lines of standard input in one frame, and print what comes back.
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
	}
	_, _ = address, port
}

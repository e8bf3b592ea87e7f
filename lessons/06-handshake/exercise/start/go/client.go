package main

import (
	"os"
)

func main() {
	port := os.Args[len(os.Args)-1]
	// Connect to 127.0.0.1 and this port. Send standard input, say that this is all, and print the answer.
	_ = port
}

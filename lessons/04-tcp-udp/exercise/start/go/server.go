package main

import (
	"os"
	"strconv"
)

func main() {
	port, _ := strconv.Atoi(os.Args[len(os.Args)-1])
	// Listen at 127.0.0.1 on this port. Answer each message with its bytes in reverse order.
	_ = port
}

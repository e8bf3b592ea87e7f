package main

import (
	"os"
	"strconv"
)

func main() {
	port, _ := strconv.Atoi(os.Args[len(os.Args)-1])
	// Listen at 127.0.0.1 on this port, and send back what each client sends.
	_ = port
}

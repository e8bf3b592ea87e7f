package main

import (
	"os"
	"strconv"
)

func main() {
	port, _ := strconv.Atoi(os.Args[len(os.Args)-2])
	path := os.Args[len(os.Args)-1]
	// Listen at 127.0.0.1 and ::1 on this port, and at this path.
	// Tell each client its family, then send back what it sends.
	_, _ = port, path
}

package main

import (
	"os"
	"strconv"
)

func main() {
	port, _ := strconv.Atoi(os.Args[len(os.Args)-1])
	// Listen at 127.0.0.1 on this port.
	// For each line of a client run `sleep` with that number of seconds, then send "done".
	_ = port
}

package main

import (
	"bufio"
	"io"
	"log"
	"net"
	"os"
)

func main() {
	connection, err := net.Dial("tcp4", "127.0.0.1:"+os.Args[len(os.Args)-1])
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	input := bufio.NewReader(os.Stdin)
	for {
		line, end := input.ReadBytes('\n')
		if _, err := connection.Write(line); err != nil {
			log.Fatal(err)
		}
		if _, err := io.ReadFull(connection, line); err != nil { // the echo may come in pieces
			log.Fatal(err)
		}
		os.Stdout.Write(line)
		if end != nil {
			return
		}
	}
}

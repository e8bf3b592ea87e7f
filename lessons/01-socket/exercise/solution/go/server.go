package main

import (
	"io"
	"log"
	"net"
	"os"
)

func main() {
	listener, err := net.Listen("tcp4", "127.0.0.1:"+os.Args[len(os.Args)-1])
	if err != nil {
		log.Fatal(err)
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		echo(connection)
		connection.Close()
	}
}

func echo(connection net.Conn) {
	data := make([]byte, 4096)
	for {
		n, err := connection.Read(data)
		if n > 0 {
			if _, err := connection.Write(data[:n]); err != nil {
				return // this client has broken off
			}
		}
		if err != nil {
			if err != io.EOF { // io.EOF: the client will send no more
				log.Print(err)
			}
			return
		}
	}
}

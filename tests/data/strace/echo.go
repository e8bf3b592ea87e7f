// An echo server for one client (`echo server`), and the client, who sends two words (`echo client`). Each goroutine keeps its thread,
// so that it is known which thread makes which call.
package main

import (
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"time"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func serve(connection net.Conn, done chan<- bool) {
	runtime.LockOSThread()
	buffer := make([]byte, 1024)
	for {
		n, err := connection.Read(buffer)
		if err != nil {
			break
		}
		connection.Write(buffer[:n]) // echoes
	}
	connection.Close()
	done <- true
}

func server() {
	listener := must(net.Listen("tcp4", "127.0.0.1:0"))
	// Go binds and listens in one go: the port is written after that, and the client waits for it.
	port := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	os.WriteFile("port.new", []byte(port), 0o644)
	os.Rename("port.new", "port")
	connection := must(listener.Accept()) // accepts
	done := make(chan bool)
	go serve(connection, done)
	<-done
	listener.Close()
}

func client() {
	port, err := os.ReadFile("port")
	for ; err != nil; port, err = os.ReadFile("port") {
		time.Sleep(10 * time.Millisecond)
	}
	connection := must(net.Dial("tcp4", "127.0.0.1:"+string(port))) // connects
	for _, word := range []string{"hello", "world"} {
		connection.Write([]byte(word))
		io.ReadFull(connection, make([]byte, len(word)))
	}
	connection.(*net.TCPConn).CloseWrite()
	connection.Read(make([]byte, 1))
	connection.Close()
}

func main() {
	runtime.LockOSThread()
	if os.Args[1] == "server" {
		server()
	} else {
		client()
	}
}

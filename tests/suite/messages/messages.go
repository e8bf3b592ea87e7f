// Makes errors happen and prints each as Go words it: the error's name, a tab, the text.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// number is the errno that stands behind the error, if the name is that of an errno.
func says(name string, number syscall.Errno, err error) {
	if err == nil {
		fmt.Fprintf(os.Stderr, "%s: no error\n", name)
		os.Exit(1)
	}
	if number != 0 && !errors.Is(err, number) {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
	fmt.Printf("%s\t%v\n", name, err)
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// pair gives both ends of a connection.
func pair() (*net.TCPConn, *net.TCPConn) {
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	defer listener.Close()
	client := must(net.Dial("tcp", listener.Addr().String()))
	peer := must(listener.Accept())
	return client.(*net.TCPConn), peer.(*net.TCPConn)
}

func reset(peer *net.TCPConn) {
	peer.SetLinger(0)
	peer.Close()
}

func fails[T any](_ T, err error) error { return err }

func main() {
	taken := must(net.Listen("tcp", "127.0.0.1:0"))
	udp := must(net.ListenPacket("udp", "127.0.0.1:0"))
	says("EADDRINUSE", syscall.EADDRINUSE, fails(net.Listen("tcp", taken.Addr().String())))
	says("EADDRNOTAVAIL", syscall.EADDRNOTAVAIL, fails(net.Listen("tcp", "203.0.113.1:0")))
	says("ECONNREFUSED", syscall.ECONNREFUSED, fails(net.Dial("tcp", udp.LocalAddr().String())))
	says("ENETUNREACH", syscall.ENETUNREACH, fails(net.Dial("tcp", "127.255.255.255:9")))
	says("EMSGSIZE", syscall.EMSGSIZE, fails(udp.WriteTo(make([]byte, 70_000), udp.LocalAddr())))
	says("ENOENT", syscall.ENOENT, fails(net.Dial("unix", "/no/such/socket")))

	client, peer := pair()
	reset(peer)
	says("ECONNRESET", syscall.ECONNRESET, fails(client.Read(make([]byte, 1))))
	says("EPIPE", syscall.EPIPE, fails(client.Write([]byte("x"))))

	client, peer = pair()
	client.SetReadDeadline(time.Now())
	says("timed-out", 0, fails(client.Read(make([]byte, 1))))
	now, cancel := context.WithTimeout(context.Background(), 0)
	defer cancel()
	says("timed-out", 0, fails((&net.Dialer{}).DialContext(now, "tcp", taken.Addr().String())))
	says("timed-out", 0, now.Err())

	peer.Write([]byte("ab"))
	peer.Close()
	client.SetReadDeadline(time.Time{})
	says("end-of-stream", 0, fails(io.ReadFull(client, make([]byte, 4))))
	says("end-of-stream", 0, fails(client.Read(make([]byte, 1))))
	client.Close()
	says("closed-here", 0, fails(client.Read(make([]byte, 1))))
	taken.Close()
	says("closed-here", 0, fails(taken.Accept()))

	says("address-form", 0, fails(net.Dial("tcp", "127.0.0.1")))
	says("address-form", 0, fails(net.Dial("tcp", "127.0.0.1:70000")))
	says("address-form", 0, fails(net.Dial("tcp", "::1:80")))

	var limit syscall.Rlimit
	syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
	limit.Cur = 64
	syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
	for {
		if _, err := net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
			says("EMFILE", syscall.EMFILE, err)
			break
		}
	}
}

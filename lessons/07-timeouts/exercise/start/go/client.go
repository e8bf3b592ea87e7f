package main

import (
	"bufio"
	"os"
)

func main() {
	address, port := os.Args[len(os.Args)-2], os.Args[len(os.Args)-1]
	amounts := bufio.NewScanner(os.Stdin)
	for amounts.Scan() {
		// Send the bank a number and the amount, and print the balance. Try again after a second, with the same number.
		_, _ = address, port
	}
}

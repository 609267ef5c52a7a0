// Reads an event stream as any Go program does, and copies it to standard output as it arrives.
//
//	stream URL
//
// net/http asks for gzip by itself and decodes it, because this program sets no Accept-Encoding.
package main

import (
	"io"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	log.SetFlags(0)
	client := http.Client{Timeout: 4 * time.Minute}
	response, err := client.Get(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK || !response.Uncompressed {
		log.Fatalf("expected 200 with gzip, got %s, decoded: %t", response.Status, response.Uncompressed)
	}
	if _, err := io.Copy(os.Stdout, response.Body); err != nil {
		log.Fatal(err)
	}
}

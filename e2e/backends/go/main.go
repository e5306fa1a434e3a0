// backend PORT LOG: Go's own HTTP server.
//
// Every request that it sees becomes a line of LOG: what it was, what the router vouched for in it, its body, and whether
// that came whole; or only why the server refused it. The servers beside this one write the same lines.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

type seen struct {
	Method  string `json:"method,omitempty"`
	Target  string `json:"target,omitempty"`
	Host    string `json:"host,omitempty"`
	Marks   string `json:"marks,omitempty"`
	Body    string `json:"body,omitempty"`
	Whole   bool   `json:"whole,omitempty"`
	Refused string `json:"refused,omitempty"`
}

type recorder struct {
	lock sync.Mutex
	file *os.File
}

func (r *recorder) record(request seen) {
	r.lock.Lock()
	defer r.lock.Unlock()
	if err := json.NewEncoder(r.file).Encode(request); err != nil {
		log.Fatal(err)
	}
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	r.record(seen{
		Method: request.Method,
		Target: request.RequestURI,
		Host:   request.Host,
		Marks:  request.Header.Get("X-Request-Start"),
		Body:   string(body),
		Whole:  err == nil,
	})
	w.Header().Set("Saw", request.Method+" "+request.RequestURI)
	w.Header().Set("Content-Length", "0")
}

// The server tells nobody of the requests that it refuses by itself, but writes their answers with a status line of its own.
type watched struct {
	net.Listener
	recorder *recorder
}

type watchedConn struct {
	net.Conn
	recorder *recorder
}

func (l watched) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return watchedConn{conn, l.recorder}, err
}

func (c watchedConn) Write(answer []byte) (int, error) {
	line, _, _ := bytes.Cut(answer, []byte("\r\n"))
	if bytes.HasPrefix(line, []byte("HTTP/1.1 4")) || bytes.HasPrefix(line, []byte("HTTP/1.1 5")) {
		c.recorder.record(seen{Refused: string(line)})
	}
	return c.Conn.Write(answer)
}

func main() {
	file, err := os.OpenFile(os.Args[2], os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	requests := &recorder{file: file}
	server := &http.Server{Handler: requests}
	stop, _ := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	ended := make(chan struct{})
	go func() {
		<-stop.Done()
		_ = server.Shutdown(context.Background())
		close(ended)
	}()
	_ = server.Serve(watched{listener, requests})
	<-ended
}

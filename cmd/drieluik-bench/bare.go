package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// bareBody is the size of C1's answer in bytes.
const bareBody = 3900

// bareServer is net/http with nothing behind it, in a process of its own (C1). It prints its
// address and ends with ctx.
func bareServer(ctx context.Context, out io.Writer) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	body := bytes.Repeat([]byte("x"), bareBody)
	srv := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/fhir+json; charset=utf-8")
		_, _ = w.Write(body) // a client that went away measures nothing
	})}
	go func() {
		<-ctx.Done()
		_ = srv.Close() // the process ends with it
	}()
	fmt.Fprintln(out, "http://"+l.Addr().String())
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// bareHTTP measures C1.
func (b *bench) bareHTTP(ctx context.Context, clients int) (figures, error) {
	self, err := os.Executable()
	if err != nil {
		return figures{}, err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	cmd := exec.CommandContext(ctx, self, "--bare")
	cmd.Stderr = b.errs
	pipe, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return figures{}, fmt.Errorf("the bare server does not start: %w", err)
	}
	defer func() { stop(); _ = cmd.Wait() }() // killed by ctx
	base, err := bufio.NewReader(pipe).ReadString('\n')
	if err != nil {
		return figures{}, fmt.Errorf("the bare server does not start: %w", err)
	}
	c := newClient(strings.TrimSpace(base))
	return drive(ctx, clients, b.o.duration(), cmd.Process.Pid, func(ctx context.Context, w *worker) (int, error) {
		body, err := c.call(ctx, w, request{path: "/"})
		if err == nil && len(body) != bareBody {
			err = errors.New("the bare server answered short")
		}
		return 1, err
	}), nil
}

package main

import (
	"bufio"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/crypto/argon2"
)

// signing returns how many signatures a second all cores make with key.
func (b *bench) signing(ctx context.Context, key crypto.Signer) (float64, error) {
	return drive(ctx, runtime.GOMAXPROCS(0), b.span, func(context.Context, int) error {
		sum := sha256.Sum256([]byte("header.claims"))
		_, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
		return err
	})
}

func (b *bench) rs256(ctx context.Context) (float64, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return 0, err
	}
	return b.signing(ctx, key)
}

func (b *bench) es256(ctx context.Context) (float64, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return 0, err
	}
	return b.signing(ctx, key)
}

// argon2id returns how many passes a second all cores can hash: 19 MiB, two passes, one lane.
func (b *bench) argon2id(ctx context.Context) (float64, error) {
	return drive(ctx, runtime.GOMAXPROCS(0), b.span, func(context.Context, int) error {
		argon2.IDKey([]byte("passcode"), []byte("sixteen bytes ok"), 2, 19*1024, 1, 32)
		return nil
	})
}

// groupCommit returns how many records of 1 KiB a second the disk takes from that many
// workers, each of whom waits until its record is durable. Those that wait at the same time
// share one fsync.
func (b *bench) groupCommit(ctx context.Context, workers int) (float64, error) {
	file, err := os.CreateTemp(b.dir, "commits")
	if err != nil {
		return 0, err
	}
	defer func() {
		_ = file.Close()
		_ = os.Remove(file.Name())
	}()
	record := make([]byte, 1024)
	queue := make(chan chan error, workers)
	writer := make(chan struct{})
	go func() {
		defer close(writer)
		for first := range queue {
			group := []chan error{first}
			for more := true; more; {
				select {
				case next, open := <-queue:
					if more = open; open {
						group = append(group, next)
					}
				default:
					more = false
				}
			}
			_, err := file.Write(make([]byte, len(group)*len(record)))
			if err == nil {
				err = file.Sync()
			}
			for _, done := range group {
				done <- err
			}
		}
	}()
	n, err := drive(ctx, workers, b.span, func(context.Context, int) error {
		done := make(chan error, 1)
		queue <- done
		return <-done
	})
	close(queue)
	<-writer
	return n, err
}

// nothing is a TLS server in a process of its own whose handler does nothing.
type nothing struct {
	url string
	cmd *exec.Cmd
}

// startNothing starts one with the certificate that a house has in dir.
func startNothing(ctx context.Context, dir string) (*nothing, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-empty-handler", filepath.Join(dir, "tls")) //nolint:gosec // itself
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, errors.Join(err, cmd.Process.Kill(), cmd.Wait())
	}
	return &nothing{strings.TrimSpace(line), cmd}, nil
}

func (n *nothing) stop() {
	_ = n.cmd.Process.Kill()
	_ = n.cmd.Wait()
}

// serveNothing is the other process of startNothing.
func serveNothing(ctx context.Context, dir string) error {
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "server.pem"), filepath.Join(dir, "server.key"))
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("https://" + listener.Addr().String())
	web := &http.Server{
		Handler:           http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}),
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13},
		ReadHeaderTimeout: readHeaderTimeout,
	}
	return web.ServeTLS(listener, "", "")
}

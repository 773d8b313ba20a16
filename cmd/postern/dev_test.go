package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/cli/program"
	"github.com/postern-id/postern/internal/server"
)

func TestDevTellsWhereItRuns(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	out, in := io.Pipe()
	var problems bytes.Buffer
	code := make(chan int)
	go func() {
		code <- run(ctx, []string{"dev", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--json"}, strings.NewReader(""), in, &problems)
		_ = in.Close()
	}()
	var said struct {
		server.Created
		server.Running
	}
	if err := json.NewDecoder(out).Decode(&said); err != nil {
		t.Fatalf("%v\n%s", err, problems.String())
	}
	ca, err := os.ReadFile(said.CACertificate)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
	defer client.CloseIdleConnections()
	if len(said.LockScreens) != 2 || strings.Contains(problems.String(), "can't join") {
		t.Errorf("the devices are %v\n%s", said.LockScreens, problems.String())
	}
	for _, url := range append([]string{said.PublicURL + "/readyz", said.SampleURL, said.MailboxURL}, said.LockScreens...) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s answers %d", url, res.StatusCode)
		}
	}
	client.CloseIdleConnections()
	stop()
	if got := <-code; got != program.Done {
		t.Errorf("dev left with %d\n%s", got, problems.String())
	}
}

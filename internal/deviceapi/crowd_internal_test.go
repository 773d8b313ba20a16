package deviceapi

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/postern-id/postern/internal/directory"
)

// crowdAt names, in a process of its own, the server to which it opens streams, and how many.
const crowdAt, crowdSize = "POSTERN_TEST_CROWD_AT", "POSTERN_TEST_CROWD_SIZE"

// TestMain is a crowd of devices where another run of these tests started it as one: what it
// holds is not the server's.
func TestMain(m *testing.M) {
	if at := os.Getenv(crowdAt); at != "" {
		n, err := strconv.Atoi(os.Getenv(crowdSize))
		if err == nil {
			err = devices(at, n)
		}
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// devices opens n streams as agents do, by TLS and HTTP/1.1, each on a connection of its own, and
// holds them until its standard input ends.
func devices(at string, n int) error {
	var opening sync.WaitGroup
	failed := make(chan error, n)
	gate := make(chan struct{}, 64)
	for i := range n {
		opening.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			client := &http.Client{Transport: &http.Transport{
				DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
			}}
			res, err := client.Get(at + "/?d=" + strconv.Itoa(i)) // held until the process ends
			if err == nil && res.ProtoMajor != 1 {
				err = fmt.Errorf("HTTP/%d", res.ProtoMajor)
			}
			if err == nil {
				_, err = bufio.NewReaderSize(res.Body, 64).ReadString('\n')
			}
			if err != nil {
				failed <- err
			}
		})
	}
	opening.Wait()
	select {
	case err := <-failed:
		return err
	default:
	}
	fmt.Println("open")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// TestAStreamOfAnAgentIsCheap bounds what a stream costs at rest as agents open it, TLS
// included.
func TestAStreamOfAnAgentIsCheap(t *testing.T) {
	n := 200
	if os.Getenv("POSTERN_SOAK") == "1" {
		n = 10_000
	}
	inUse := func() uint64 {
		runtime.GC()
		runtime.GC() // pools are emptied by the second
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	f := &Feed{Store: &memoryFeed{}, Log: slog.New(slog.DiscardHandler)}
	go f.Run(t.Context())
	a := &API{Feed: f, Log: slog.New(slog.DiscardHandler)}
	site := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d := directory.Device{Tenant: "t", ID: directory.DeviceObjectID(r.URL.Query().Get("d"))}
		s, at, err := f.join(r.Context(), d)
		if err != nil {
			t.Error(err)
			return
		}
		a.serve(w, r, d, s, at, func() { f.leave(d, s) })
	}))
	site.EnableHTTP2 = true
	site.StartTLS()
	t.Cleanup(site.Close)
	t.Cleanup(f.Close)
	before := inUse()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	crowd := exec.CommandContext(t.Context(), self)
	crowd.Env = append(os.Environ(), crowdAt+"="+site.URL, crowdSize+"="+strconv.Itoa(n))
	in, err := crowd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := crowd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := crowd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = crowd.Wait() })
	if said, err := bufio.NewReader(out).ReadString('\n'); strings.TrimSpace(said) != "open" {
		t.Fatalf("the devices say %q, %v", said, err)
	}
	each := (int64(inUse()) - int64(before)) / int64(n)
	t.Logf("%d streams take %d bytes each", n, each)
	if each > 40<<10 {
		t.Errorf("%d streams take %d bytes each", n, each)
	}
}

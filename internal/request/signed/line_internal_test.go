package signed

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestAStreamThatHasNothingToSayGoesOn(t *testing.T) {
	const limit = 50 * time.Millisecond
	for name, two := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			site := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				l, alone := lineTo(w, limit)
				if alone == two {
					t.Errorf("the line is alone: %t", alone)
				}
				defer l.Close()
				_ = l.Send("first\n") // the test reads it, or not
				select {
				case <-r.Context().Done():
				case <-time.After(5 * limit): // far longer than one write may take
					_ = l.Send("second\n")
				}
			}))
			site.EnableHTTP2 = two
			site.StartTLS()
			defer site.Close()
			res, err := site.Client().Get(site.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if at, err := http.ParseTime(res.Header.Get("Date")); err != nil || time.Since(at).Abs() > time.Minute {
				t.Errorf("a device learns the time from %q, %v", res.Header.Get("Date"), err)
			}
			lines := bufio.NewScanner(res.Body)
			for _, want := range []string{"first", "second"} {
				if !lines.Scan() || lines.Text() != want {
					t.Fatalf("the stream ended before the %s: %v", want, lines.Err())
				}
			}
		})
	}
}

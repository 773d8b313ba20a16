package pages

import (
	"cmp"
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestFormPostInABrowser shows that the policy of the page lets its module run and its
// form leave for the application.
func TestFormPostInABrowser(t *testing.T) {
	browser := findBrowser(t)
	posted := make(chan url.Values, 1)
	application := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.ParseForm() == nil {
			posted <- r.PostForm
		}
	}))
	defer application.Close()

	mux := http.NewServeMux()
	mux.Handle("/assets/", Assets())
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		f := sampleFrame("en")
		f.Action = application.URL + "/callback"
		f.FormTargets = []string{f.Action}
		f.Form = map[string]string{"code": "c-4711", "submit": "a name that hides the form's own"}
		if err := newView(t).Render(w, http.StatusOK, formPostPage{frame: f}); err != nil {
			t.Error(err)
		}
	})
	postern := httptest.NewServer(mux)
	defer postern.Close()

	// Not t.TempDir: the browser's children may still write when it has ended.
	profile, err := os.MkdirTemp("", "postern-browser") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(profile)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu",
		"--user-data-dir="+profile, "--virtual-time-budget=3000", "--dump-dom", postern.URL).CombinedOutput()
	if err != nil {
		t.Fatalf("run browser: %v\n%s", err, out)
	}
	select {
	case form := <-posted:
		if form.Get("code") != "c-4711" {
			t.Errorf("the application got %q", form)
		}
	default:
		t.Errorf("the application got nothing\n%s", out)
	}
}

func findBrowser(t *testing.T) string {
	t.Helper()
	browser := cmp.Or(os.Getenv("POSTERN_TEST_CHROMIUM"), "/usr/bin/chromium")
	if _, err := os.Stat(browser); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no browser: %v", err)
		}
		t.Skipf("no browser: %v; install the package chromium or set POSTERN_TEST_CHROMIUM", err)
	}
	return browser
}

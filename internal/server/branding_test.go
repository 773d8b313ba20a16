package server_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// picture returns a PNG.
func aPicture(t *testing.T, width, height int) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	m.Set(1, 1, color.NRGBA{R: 200, A: 255})
	var out bytes.Buffer
	if err := png.Encode(&out, m); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// put puts an image of the branding.
func (w *world) put(slot string, data []byte) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPut, w.site.URL+"/v1.0/organization/"+w.created.TenantID+"/branding/"+slot, bytes.NewReader(data))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+w.appToken())
	r.Header.Set("Content-Type", "image/png")
	answer, err := w.browser.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusNoContent {
		body, _ := io.ReadAll(answer.Body)
		w.t.Fatalf("%s: %d %s", slot, answer.StatusCode, body)
	}
}

func TestTheSignInPageHasTheTenantsBranding(t *testing.T) {
	w := newWorld(t)
	plain := w.get(w.authorize(nil).location)
	if strings.Contains(plain.body, "branding") {
		t.Errorf("a tenant without branding:\n%s", plain.body)
	}
	branding := "/v1.0/organization/" + w.created.TenantID + "/branding"
	status, v := w.api(http.MethodPatch, branding, w.appToken(), `{"signInPageText":"<img src=x onerror=alert(1)>\nHelpdesk 1234","usernameHintText":"\"><script>alert(1)</script>",
		"postern_actionColor":"#7a1fa2","backgroundColor":"#203040","customPrivacyAndCookiesUrl":"https://contoso.example/privacy?a=1&b=2","customTermsOfUseText":"<b>Rules</b>","customTermsOfUseUrl":"https://contoso.example/rules"}`)
	if status != http.StatusNoContent {
		t.Fatalf("%d %v", status, v)
	}
	for _, slot := range []string{"bannerLogo", "backgroundImage", "favicon"} {
		w.put(slot, aPicture(t, 64, 36))
	}
	page := w.get(w.authorize(nil).location)
	if strings.Contains(page.body, "<script>alert") || strings.Contains(page.body, "<img src=x") || strings.Contains(page.body, "<b>Rules") {
		t.Errorf("a text became markup:\n%s", page.body)
	}
	if got := page.header.Get("Content-Security-Policy"); got != plain.header.Get("Content-Security-Policy") {
		t.Errorf("the policy is %s, was %s", got, plain.header.Get("Content-Security-Policy"))
	}
	for _, want := range []string{`class="signin branded"`, `alt="Contoso"`, `href="https://contoso.example/privacy?a=1&amp;b=2" rel="noreferrer"`, "&lt;b&gt;Rules", "<br><bdi>Helpdesk 1234</bdi>"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("no %s in\n%s", want, page.body)
		}
	}
	kinds := map[string]string{".png": "image/png", ".jpg": "image/jpeg", ".css": "text/css; charset=utf-8"}
	paths := regexp.MustCompile(`/assets/branding/[^"]+(\.\w+)"`).FindAllStringSubmatch(page.body, -1)
	if len(paths) != 4 {
		t.Errorf("the page loads %v", paths)
	}
	for _, p := range paths {
		path := strings.TrimSuffix(p[0], `"`)
		a := w.get(path)
		if a.status != http.StatusOK || a.header.Get("Content-Type") != kinds[p[1]] || a.header.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.Contains(a.header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v", path, a.status, a.header)
		}
	}
	logo := regexp.MustCompile(`/assets/branding/[^"]+bannerLogo[^"]+`).FindString(page.body)
	for name, path := range map[string]string{
		"another type":   strings.TrimSuffix(logo, ".png") + ".svg",
		"another tenant": strings.Replace(logo, w.created.TenantID, "00000000-0000-4000-8000-000000000000", 1),
		"another slot":   strings.Replace(logo, "bannerLogo", "squareLogo", 1),
		"another hash":   strings.Replace(logo, "bannerLogo.", "bannerLogo.0", 1),
		"no tenant":      "/assets/branding/x/" + logo[strings.LastIndex(logo, "/")+1:],
		"a pale colour":  "/assets/branding/colors-1.ffff33.none.css",
	} {
		if a := w.get(path); a.status != http.StatusNotFound {
			t.Errorf("%s: %s answers %d", name, path, a.status)
		}
	}
	w.put("bannerLogo", aPicture(t, 32, 32))
	if a := w.get(logo); a.status != http.StatusNotFound {
		t.Errorf("a logo that was replaced: %d", a.status)
	}
	w.newBrowser()
	w.toOwnPage(adminName, w.created.Pass)
	if own := w.get("/security-info"); !strings.Contains(own.body, `class="account branded"`) || !strings.Contains(own.body, "bannerLogo.") {
		t.Errorf("a person's own page:\n%s", own.body)
	}
}

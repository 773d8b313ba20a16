package graph_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
)

func logo(t *testing.T, width, height int) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	m.Set(0, 0, color.NRGBA{R: 200, A: 255})
	var out bytes.Buffer
	check(t, png.Encode(&out, m))
	return out.Bytes()
}

// stream puts data at path and returns the answer.
func (w *world) stream(method, path, kind string, data []byte, headers ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequestWithContext(w.t.Context(), method, path, bytes.NewReader(data))
	r.Header.Set("Authorization", "Bearer "+w.token)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	return answer
}

func (w *world) wantStatus(status int, a *httptest.ResponseRecorder) {
	w.t.Helper()
	if a.Code != status {
		w.t.Errorf("status %d, want %d: %s", a.Code, status, a.Body)
	}
}

func TestTheBrandingTakesTextsAndColors(t *testing.T) {
	w := newWorld(t, "OrganizationalBranding.ReadWrite.All")
	path := "/v1.0/organization/" + string(w.tenant.ID) + "/branding"
	w.call(404, "GET", path, "")
	w.call(404, "DELETE", path, "")
	if all := list(w.call(200, "GET", path+"/localizations", "")); len(all) != 0 {
		t.Errorf("before: %v", all)
	}
	const texts = `{"signInPageText":"<script>alert(1)</script>\nCall 1234","usernameHintText":"name@contoso.example","backgroundColor":"#203040",` +
		`"postern_actionColor":"#7a1fa2","customPrivacyAndCookiesText":"Privacy","customPrivacyAndCookiesUrl":"https://contoso.example/privacy"}`
	w.call(204, "PATCH", path, texts)
	w.call(204, "PATCH", path+"/localizations/0", `{"usernameHintText":"your name"}`)
	got := w.call(200, "GET", path, "")
	if got["id"] != "0" || got["usernameHintText"] != "your name" || got["signInPageText"] != "<script>alert(1)</script>\nCall 1234" || got["bannerLogoRelativeUrl"] != nil {
		t.Errorf("got %v", got)
	}
	if _, shown := got["postern_actionColor"]; shown {
		t.Error("an own property is shown without $select")
	}
	got = w.call(200, "GET", path+"/localizations/default?$select=postern_actionColor,postern_styleSheetRelativeUrl", "")
	if got["postern_actionColor"] != "#7a1fa2" || got["postern_styleSheetRelativeUrl"] != "assets/branding/colors-1.7a1fa2.203040.css" {
		t.Errorf("selected: %v", got)
	}
	w.call(404, "GET", path+"/localizations/fr-FR", "")
	w.call(404, "GET", "/v1.0/organization/"+string(w.admin.ID)+"/branding", "")
	for body, word := range map[string]string{
		`{"postern_actionColor":"#ffff33"}`:                                 "4.5 are needed",
		`{"postern_actionColor":"red"}`:                                     "not a colour",
		`{"backgroundColor":"#fff;}"}`:                                      "not a colour",
		`{"customTermsOfUseUrl":"javascript:alert(1)"}`:                     "https://",
		`{"usernameHintText":"` + strings.Repeat("x", 65) + `"}`:            "64",
		`{"customCSS":"body{}"}`:                                            "not kept",
		`{"bannerLogo":"iVBOR"}`:                                            "not kept",
		`{"loginPageLayoutConfiguration":{"layoutTemplateType":"default"}}`: "not kept",
		`{"x":1}`: "not a property",
	} {
		if a := w.stream("PATCH", path, "application/json", []byte(body)); a.Code != 400 || !strings.Contains(a.Body.String(), word) {
			t.Errorf("%s: %d %s", body, a.Code, a.Body)
		}
	}
	w.call(204, "PATCH", path, `{"postern_actionColor":null,"signInPageText":null}`)
	w.call(204, "DELETE", path, "")
	w.call(404, "GET", path, "")
	n := 0
	for _, e := range w.events(t) {
		if e.Change.Activity == audit.UpdateBranding {
			n++
		}
	}
	if n != 4 {
		t.Errorf("%d events, want 4", n)
	}
}

func TestADraftOfTheBrandingIsJudgedAndNotKept(t *testing.T) {
	w := newWorld(t, "OrganizationalBranding.Read.All")
	got := w.call(200, "POST", "/v1.0/postern/branding/preview", `{"postern_actionColor":"#7a1fa2","signInPageText":"Draft"}`)
	if got["postern_styleSheetRelativeUrl"] != "assets/branding/colors-1.7a1fa2.none.css" || got["signInPageText"] != "Draft" {
		t.Errorf("got %v", got)
	}
	w.call(400, "POST", "/v1.0/postern/branding/preview", `{"postern_actionColor":"#ffff33"}`)
	w.call(404, "GET", "/v1.0/organization/"+string(w.tenant.ID)+"/branding", "")
	w.call(403, "PATCH", "/v1.0/organization/"+string(w.tenant.ID)+"/branding", `{"signInPageText":"x"}`)
}

func TestAnImageOfTheBrandingIsPutAloneAndDrawnAnew(t *testing.T) {
	w := newWorld(t, "OrganizationalBranding.ReadWrite.All")
	path := "/v1.0/organization/" + string(w.tenant.ID) + "/branding"
	w.wantStatus(204, w.stream("PUT", path+"/localizations/0/bannerLogo", "image/png", append(logo(t, 200, 36), "<script>"...)))
	w.wantStatus(204, w.stream("PUT", path+"/favicon", "image/*", logo(t, 32, 32)))
	got := w.call(200, "GET", path, "")
	url, _ := got["bannerLogoRelativeUrl"].(string)
	if !strings.HasPrefix(url, "assets/branding/"+string(w.tenant.ID)+"/bannerLogo.") || !strings.HasSuffix(url, ".png") {
		t.Errorf("served at %q", url)
	}
	a := w.stream("GET", path+"/bannerLogo", "", nil)
	if a.Code != 200 || a.Header().Get("Content-Type") != "image/png" || strings.Contains(a.Body.String(), "<script>") {
		t.Errorf("%d %s", a.Code, a.Header())
	}
	if a := w.stream("GET", path+"/squareLogo", "", nil); a.Code != 200 || strings.TrimSpace(a.Body.String()) != "{}" {
		t.Errorf("one that is not set: %d %s", a.Code, a.Body)
	}
	svg := []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)
	w.wantStatus(415, w.stream("PUT", path+"/bannerLogo", "image/png", svg))
	w.wantStatus(415, w.stream("PUT", path+"/bannerLogo", "image/svg+xml", svg))
	w.wantStatus(415, w.stream("PUT", path+"/bannerLogo", "text/html", logo(t, 20, 20)))
	w.wantStatus(400, w.stream("PUT", path+"/bannerLogo", "image/png", logo(t, 1000, 36)))
	w.wantStatus(413, w.stream("PUT", path+"/backgroundImage", "image/png", make([]byte, 2<<20)))
	w.wantStatus(400, w.stream("PUT", path+"/customCSS", "image/png", logo(t, 20, 20)))
	w.wantStatus(404, w.stream("PUT", path+"/nothing", "image/png", logo(t, 20, 20)))
	w.wantStatus(412, w.stream("PUT", path+"/bannerLogo", "image/png", logo(t, 20, 20), "If-Match", `W/"1"`))
	tag, _ := w.call(200, "GET", path, "")["@odata.etag"].(string)
	w.wantStatus(204, w.stream("PUT", path+"/bannerLogo", "image/png", logo(t, 20, 20), "If-Match", tag))
	w.wantStatus(412, w.stream("PATCH", path, "application/json", []byte(`{"signInPageText":"late"}`), "If-Match", tag))
	w.wantStatus(204, w.stream("DELETE", path+"/bannerLogo", "", nil))
	w.wantStatus(404, w.stream("DELETE", path+"/bannerLogo", "", nil))
	if got := w.call(200, "GET", path, ""); got["bannerLogoRelativeUrl"] != nil || got["faviconRelativeUrl"] == nil {
		t.Errorf("after: %v", got)
	}
}

func TestWhoChangesTheBranding(t *testing.T) {
	w := newWorld(t)
	path := "/v1.0/organization/" + string(w.tenant.ID) + "/branding"
	for role, status := range map[directory.RoleID]int{
		directory.OrganizationalBrandingAdministrator: 204, directory.UserAdministrator: 403, directory.GlobalReader: 403,
	} {
		w.token = w.signIn(w.member("m"+string(role)[:6], role), "OrganizationalBranding.ReadWrite.All")
		w.wantStatus(status, w.stream("PATCH", path, "application/json", []byte(`{"signInPageText":"x"}`)))
		w.wantStatus(status, w.stream("PUT", path+"/favicon", "image/png", logo(t, 20, 20)))
	}
	w.token = w.signIn(w.member("plain"), "User.Read")
	w.call(200, "GET", path, "")
}

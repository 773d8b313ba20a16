package directory

import (
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// secretDays are the lifetimes that a secret can be given, in days; the first is the usual one.
var secretDays = []int{180, 90, 365, 730}

// secretPage makes a secret, and shows it once.
type secretPage struct {
	console.Frame
	App     thing
	Name    string
	Days    int
	Choices []int

	Secret string // set on the page that shows it
	Ends   time.Time
}

func (secretPage) File() string { return "secret.html" }

// madeSecret is a secret on its way to the page that shows it. It is sealed for this browser, and
// gone once it was shown.
type madeSecret struct {
	Text, Name string
	Ends       time.Time
}

// shownFor is how long a new secret waits for the page that shows it.
const shownFor = 10 * time.Minute

func askSecret(c *console.Call) error {
	o, err := editable(c)
	if err != nil {
		return err
	}
	return c.Show(http.StatusOK, secretPage{Frame: c.Frame("applications"), App: thingOf(o, "application"), Days: secretDays[0], Choices: secretDays})
}

func addSecret(c *console.Call) error {
	o, err := editable(c)
	if err != nil {
		return err
	}
	page := secretPage{Frame: c.Frame("applications"), App: thingOf(o, "application"), Name: c.Form("displayName"), Days: secretDays[0], Choices: secretDays}
	if days, err := strconv.Atoi(c.Form("days")); err == nil && slices.Contains(secretDays, days) {
		page.Days = days
	}
	ends := c.Now().UTC().AddDate(0, 0, page.Days).Truncate(time.Second)
	made, err := c.Graph.AddPassword(c.Context(), page.App.ID, graphclient.Object{"displayName": page.Name, "endDateTime": ends.Format(time.RFC3339)})
	if err != nil {
		return again(c, &page.Frame, err, func() console.Page { return page })
	}
	name, err := c.Hold(madeSecret{Text: made.Text("secretText"), Name: page.Name, Ends: ends}, shownFor)
	if err != nil {
		return err
	}
	http.Redirect(c.W, c.R, applications.href(page.App.ID, "secrets", "made")+"?held="+name, http.StatusSeeOther)
	return nil
}

func showSecret(c *console.Call) error {
	o, err := editable(c)
	if err != nil {
		return err
	}
	var made madeSecret
	if err := c.Take(c.Form("held"), &made); err != nil {
		return err
	}
	page := secretPage{Frame: c.Frame("applications"), App: thingOf(o, "application"), Secret: made.Text, Name: made.Name, Ends: made.Ends}
	return c.Show(http.StatusOK, page)
}

// removePage asks before a secret is removed: it can't come back.
type removePage struct {
	console.Frame
	App    thing
	Secret credential
	Only   bool // the application has nothing else to sign in with
}

func (removePage) File() string { return "secretremove.html" }

func removing(c *console.Call) (removePage, error) {
	o, err := editable(c)
	if err != nil {
		return removePage{}, err
	}
	page := removePage{Frame: c.Frame("applications"), App: thingOf(o, "application")}
	secrets := credentials(o, "passwordCredentials", c.Now())
	i := slices.IndexFunc(secrets, func(s credential) bool { return s.ID == c.R.PathValue("key") })
	if i < 0 {
		return page, console.ErrNowhere
	}
	page.Secret = secrets[i]
	rest := append(slices.Delete(slices.Clone(secrets), i, i+1), credentials(o, "keyCredentials", c.Now())...)
	page.Only = endingOf(rest) == "" || endingOf(rest) == ended
	return page, nil
}

func askRemoveSecret(c *console.Call) error {
	page, err := removing(c)
	if err != nil {
		return err
	}
	return c.Show(http.StatusOK, page)
}

func removeSecret(c *console.Call) error {
	page, err := removing(c)
	if err != nil {
		return err
	}
	if err := c.Graph.RemovePassword(c.Context(), page.App.ID, page.Secret.ID); err != nil {
		return again(c, &page.Frame, err, func() console.Page { return page })
	}
	return c.Go(applications.href(page.App.ID), "directory_secret_removed")
}

// certificatePage adds a certificate.
type certificatePage struct {
	console.Frame
	App         thing
	ETag        string
	Name, Text  string
	NotReadable bool // what was pasted is no certificate
}

func (certificatePage) File() string { return "certificate.html" }

func askCertificate(c *console.Call) error {
	o, err := editable(c)
	if err != nil {
		return err
	}
	return c.Show(http.StatusOK, certificatePage{Frame: c.Frame("applications"), App: thingOf(o, "application"), ETag: o.Text(graphclient.ETag)})
}

func addCertificate(c *console.Call) error {
	o, err := editable(c)
	if err != nil {
		return err
	}
	page := certificatePage{
		Frame: c.Frame("applications"), App: thingOf(o, "application"), ETag: o.Text(graphclient.ETag), Name: c.Form("displayName"), Text: c.Form("certificate"),
	}
	block, rest := pem.Decode([]byte(page.Text))
	if block == nil || block.Type != "CERTIFICATE" || len(lines(string(rest))) > 0 {
		page.NotReadable = true
		if block != nil && block.Type != "CERTIFICATE" {
			page.Text = "" // a private key is not sent back
		}
		return c.Show(http.StatusBadRequest, page)
	}
	keys := append(kept(o, ""), graphclient.Object{
		"type": "AsymmetricX509Cert", "usage": "Verify", "displayName": nullable(page.Name), "key": base64.StdEncoding.EncodeToString(block.Bytes),
	})
	if err := change(c, page.ETag, graphclient.Object{"keyCredentials": keys}, "applications", page.App.ID); err != nil {
		return again(c, &page.Frame, err, func() console.Page { return page })
	}
	return c.Go(applications.href(page.App.ID), "directory_certificate_added")
}

// kept are the certificates of an application as they are sent back to it, without one.
func kept(app graphclient.Object, without string) []graphclient.Object {
	all := []graphclient.Object{}
	for _, k := range app.Objects("keyCredentials") {
		if k.Text("keyId") != without {
			all = append(all, graphclient.Object{"keyId": k.Text("keyId"), "type": k["type"], "usage": k["usage"], "displayName": k["displayName"]})
		}
	}
	return all
}

func removeCertificate(c *console.Call) error {
	o, err := editable(c)
	if err != nil {
		return err
	}
	body := graphclient.Object{"keyCredentials": kept(o, c.R.PathValue("key"))}
	if err := change(c, o.Text(graphclient.ETag), body, "applications", o.Text("id")); err != nil {
		return err
	}
	return c.Go(applications.href(o.Text("id")), "directory_certificate_removed")
}

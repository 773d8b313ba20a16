package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base32"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/method/totp"
)

// browse is the browser of scripts: it opens the address that it is given, types $WHO and
// $PASS into the forms, and goes where it is sent. How it went is in the file browsed.
func browse() {
	text := "done"
	if err := signIn(os.Args[len(os.Args)-1], os.Getenv("WHO"), os.Getenv("PASS")); err != nil {
		text = err.Error()
	}
	if err := os.WriteFile("browsed", []byte(text+"\n"), 0o600); err != nil {
		panic(err)
	}
}

// approve is the browser of another device: it reads what login says on stdin, opens the
// address, types the code, $WHO and $PASS, and says yes.
func approve() {
	lines := bufio.NewScanner(os.Stdin)
	said := regexp.MustCompile(`^Open (https://\S+) on any device and type the code (\S+)\.$`)
	for lines.Scan() {
		fmt.Fprintln(os.Stderr, lines.Text())
		if m := said.FindStringSubmatch(lines.Text()); m != nil {
			if err := approveAt(m[1], m[2], os.Getenv("WHO"), os.Getenv("PASS")); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}
	}
}

// person is somebody at a browser.
type person struct {
	browser *http.Client
	at      *url.URL // where the browser is
	page    string   // what it shows
}

func newPerson() (*person, error) {
	ca, err := os.ReadFile(os.Getenv("CA"))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	jar, err := cookiejar.New(nil)
	return &person{browser: &http.Client{Jar: jar, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}}, err
}

// open goes to address; with a form it posts that.
func (p *person) open(address string, form url.Values) error {
	var res *http.Response
	var err error
	if form == nil {
		res, err = p.browser.Get(address)
	} else {
		res, err = p.browser.PostForm(address, form)
	}
	if err != nil {
		return err
	}
	page, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil {
		return err
	}
	p.page = string(page)
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", res.Request.URL.Path, res.Status)
	}
	p.at = res.Request.URL
	return nil
}

// fill sends forms, each to the page that the one before led to.
func (p *person) fill(forms ...url.Values) error {
	for _, form := range forms {
		if err := p.open(p.at.String(), form); err != nil {
			return err
		}
	}
	return nil
}

func signIn(address, who, pass string) error {
	p, err := newPerson()
	if err != nil {
		return err
	}
	if err := p.open(address, nil); err != nil {
		return err
	}
	if err := p.fill(url.Values{"username": {who}}, url.Values{"accesspass": {pass}}, url.Values{"stay": {"no"}}); err != nil {
		return err
	}
	if p.at.Hostname() != "localhost" {
		return fmt.Errorf("the browser ended at %s", p.at)
	}
	return nil
}

// addCodes is a person who signs in to their own page with $PASS and adds an app with codes, by the
// name that it is given.
func addCodes() {
	if err := addCodesAs(os.Getenv("WHO"), os.Getenv("PASS"), os.Args[len(os.Args)-1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func addCodesAs(who, pass, name string) error {
	p, err := newPerson()
	if err != nil {
		return err
	}
	const add = "/security-info/add/otc"
	if err := p.open(os.Getenv("SITE")+"/security-info", nil); err != nil {
		return err
	}
	if err := p.fill(url.Values{"username": {who}}, url.Values{"accesspass": {pass}}, url.Values{"stay": {"no"}}); err != nil {
		return err
	}
	if err := p.open(os.Getenv("SITE")+add, nil); err != nil {
		return err
	}
	secret := regexp.MustCompile(`aria-describedby="by-hand"><bdi>([A-Z2-7 ]+)</bdi>`).FindStringSubmatch(p.page)
	ticket := regexp.MustCompile(`name="ticket" value="([^"]+)"`).FindStringSubmatch(p.page)
	if secret == nil || ticket == nil {
		return fmt.Errorf("%s shows no key", p.at)
	}
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(secret[1], " ", ""))
	if err != nil {
		return err
	}
	code := totp.Key{Algorithm: totp.SHA1, Secret: raw}.Code(totp.Step(time.Now()))
	return p.fill(url.Values{"ticket": {ticket[1]}, "otc": {code}, "name": {name}})
}

func approveAt(address, code, who, pass string) error {
	p, err := newPerson()
	if err != nil {
		return err
	}
	if err := p.open(address, nil); err != nil {
		return err
	}
	return p.fill(url.Values{"otc": {code}}, url.Values{"username": {who}}, url.Values{"accesspass": {pass}},
		url.Values{"stay": {"no"}}, url.Values{"answer": {"approve"}})
}

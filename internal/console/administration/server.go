package administration

import (
	"errors"
	"net/http"
	"time"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

type aboutPage struct { // about.html, backup.html
	console.Frame
	About             graphclient.Object
	Started, ServerAt time.Time
	BackupAt          time.Time // of the last one that the log knows; zero: none
	BackupOld         bool
	Up                string
	backup            bool
}

// File implements console.Page.
func (p aboutPage) File() string {
	if p.backup {
		return "backup.html"
	}
	return "about.html"
}

// oldBackup is how long ago a backup is when people should look after it.
const oldBackup = 8 * 24 * time.Hour

func aboutOf(c *console.Call) (aboutPage, error) {
	p := aboutPage{Frame: c.Frame("administration")}
	var err error
	if p.About, err = about(c); err != nil {
		return p, err
	}
	if p.About == nil {
		return p, console.ErrNowhere
	}
	p.Started, p.ServerAt, p.BackupAt = p.About.Time("startedDateTime"), p.About.Time("serverDateTime"), p.About.Time("lastBackup/createdDateTime")
	p.BackupOld = p.BackupAt.IsZero() || c.Now().Sub(p.BackupAt) > oldBackup
	return p, nil
}

func showAbout(c *console.Call) error {
	p, err := aboutOf(c)
	if err != nil {
		return err
	}
	return c.Show(http.StatusOK, p)
}

func showBackup(c *console.Call) error {
	p, err := aboutOf(c)
	if err != nil {
		return err
	}
	p.backup = true
	return c.Show(http.StatusOK, p)
}

type keysPage struct { // keys.html
	console.Frame
	Keys []key
}

// A key is one line of the page: never the key itself.
type key struct {
	Purpose, State, ID            string
	Created, Active, Retired, End time.Time
}

// File implements console.Page.
func (keysPage) File() string { return "keys.html" }

func showKeys(c *console.Call) error {
	if c.Foreign() {
		return console.ErrNowhere
	}
	p := keysPage{Frame: c.Frame("administration")}
	all, err := c.Graph.Get(c.Context(), "postern", "keys")
	if err != nil {
		return err
	}
	for _, k := range all.Objects("value") {
		p.Keys = append(p.Keys, key{
			Purpose: k.Text("purpose"), State: k.Text("state"), ID: k.Text("id"), Created: k.Time("createdDateTime"),
			Active: k.Time("activeDateTime"), Retired: k.Time("retiredDateTime"), End: k.Time("removalDateTime"),
		})
	}
	return c.Show(http.StatusOK, p)
}

type mailPage struct { // mail.html
	console.Frame
	About graphclient.Object // nil for those who may not look
	Mails []mail
	Reads bool // sees what waits
	Tests bool
}

type mail struct {
	graphclient.Object
	Created, Next time.Time
}

// File implements console.Page.
func (mailPage) File() string { return "mail.html" }

func mailOf(c *console.Call) (mailPage, error) {
	p := mailPage{Frame: c.Frame("administration"), Tests: c.May(writeOrganization), Reads: c.May(readAudits)}
	if c.Foreign() {
		return p, console.ErrNowhere
	}
	var err error
	if p.About, err = about(c); err != nil || !p.Reads {
		return p, err
	}
	waiting, err := c.Page(graphclient.Query{}, "postern", "mails")
	for _, m := range waiting.Items {
		p.Mails = append(p.Mails, mail{m, m.Time("createdDateTime"), m.Time("nextTryDateTime")})
	}
	return p, err
}

func showMail(c *console.Call) error {
	p, err := mailOf(c)
	if err != nil {
		return err
	}
	return c.Show(http.StatusOK, p)
}

func testMail(c *console.Call) error {
	_, err := c.Graph.Do(c.Context(), http.MethodPost, nil, "postern", "mails", "test")
	if err == nil {
		return c.Go(root+"/mail", "mail_sent")
	}
	trouble := console.Explain(err)
	var refused *graphclient.Error
	if errors.As(err, &refused) && refused.Status == http.StatusTooManyRequests {
		trouble = &console.Trouble{Code: refused.Code, Message: refused.Message, RequestID: refused.RequestID, Status: refused.Status}
	}
	if trouble == nil {
		return err
	}
	p, readErr := mailOf(c)
	if readErr != nil {
		return readErr
	}
	p.Fault = trouble
	return c.Show(statusOf(trouble), p)
}

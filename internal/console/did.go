package console

import "strings"

// Did says in plain words what a change of the log was: by its reason where that says more, or by its activity; as
// Graph calls it where there are no words for it.
func (c *Call) Did(activity, reason string) string {
	for _, name := range []string{reason, activity} {
		if key := "logs_did_" + Slug(name); name != "" && c.Text(key) != key {
			return c.Text(key)
		}
	}
	return activity
}

// Slug is value as the key of a word has it: small letters, digits and underscores.
func Slug(value string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(value) {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "_"):
			b.WriteByte('_')
		}
	}
	return strings.TrimSuffix(b.String(), "_")
}

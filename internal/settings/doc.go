// Package settings reads the settings of the ingestor from the environment.
//
// What it promises:
//
//   - All at once. Load checks every setting and returns every problem in one
//     *Error. Each problem names the variable, the value and what is allowed.
//   - One source. The fields of Settings carry the name, the default, the
//     bounds and the meaning of each variable as tags. Load, the help text and
//     deploy/settings.md are all made from these tags and cannot disagree.
//   - No secret leaves. A Secret prints as "[set]" in every format, in JSON and
//     in logs. Problems never show the value of a secret, nor credentials that
//     are part of a URL. Only Secret.Reveal returns the value.
//   - Nothing is ignored in silence. A variable that looks like a setting but is
//     none is reported in Settings.Warnings with the nearest name that exists.
//
// Less formally: white space around a value is dropped, but never that of a
// secret. An empty variable counts as not set. A secret may come from a file:
// GENESYS_CLIENT_SECRET_FILE names one, and one line break at its end is
// dropped. To set both the variable and its file variant is a problem, because
// nobody could tell which of them is meant.
//
// Load reads the files that settings name, and the host name where INSTANCE_ID
// is not set. It opens no connection: whether credentials, permissions and
// servers work is found out by those who use them.
//
// To add a setting, add a field to Settings with its tags, a row to the tables
// in the tests, and run "go generate ./internal/settings".
package settings

//go:generate go run ./generate ../../deploy/settings.md

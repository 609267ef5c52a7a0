#!/usr/bin/env bash
# Checks every Markdown file: no line over 120 columns outside tables and code blocks, no dead relative link or anchor.
# Every test and path that the documents name exists.
# docs/api.md lists exactly the endpoints that the code describes by `utoipa::path`, and README.md has at most 120 lines.
# Then checks the spelling of the whole tree by `typos`; `_typos.toml` lists the accepted words.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

mapfile -t files < <(git ls-files --cached --others --exclude-standard '*.md' | sort -u)

faults=0
perl -CSDA -Mutf8 -MFile::Basename -MFile::Spec -e '
  my (%anchors, @links, $faults);
  sub fault { print STDERR "docs: $_[0]\n"; $faults++ }

  # The anchor that GitHub gives a heading.
  sub anchor {
    my $text = lc shift;
    $text =~ s/\[([^]]*)\]\([^)]*\)/$1/g;
    $text =~ s/[^\w\s-]//g;
    return $text =~ s/\s/-/gr;
  }

  for my $file (@ARGV) {
    next unless -e $file;
    open my $lines, "<", $file or die "$file: $!";
    my ($fenced, %seen);
    while (<$lines>) {
      chomp;
      if (/^\s*(```|~~~)/) { $fenced = !$fenced; next }
      next if $fenced;
      fault("$file:$.: ${\length} columns (at most 120)") if length > 120 && !/^\s*\|/;
      if (/^#+\s+(.*?)\s*$/) {
        my $anchor = anchor($1);
        my $repeated = $seen{$anchor}++;
        $anchors{$file}{$repeated ? "$anchor-$repeated" : $anchor} = 1;
      }
      my $text = s/`[^`]*`//gr;
      push @links, [$file, $., $1] while $text =~ /\]\(([^)\s]+)\)/g;
    }
    fault("$file: a code block is not closed") if $fenced;
  }

  for (@links) {
    my ($file, $line, $link) = @$_;
    next if $link =~ /^[a-z]+:/;
    my ($path, $anchor) = split /#/, $link, 2;
    my $target = $path eq "" ? $file : File::Spec->abs2rel(File::Spec->rel2abs($path, dirname($file)));
    1 while $target =~ s{[^/]+/\.\./}{};
    if (!-e $target) { fault("$file:$line: $link does not exist") }
    elsif (defined $anchor && $target =~ /\.md$/ && !$anchors{$target}{$anchor}) {
      fault("$file:$line: $target has no heading for #$anchor");
    }
  }
  exit($faults ? 1 : 0);
' "${files[@]}" || faults=1

fail() { echo "docs: $*" >&2; faults=1; }

described=$(find src/http -name '*.rs' -exec perl -0777 -ne '
  print uc $1, " $2\n" while /utoipa::path\(\s*(get|post),\s*path\s*=\s*"([^"]+)"/g' {} + | sort -u)
listed=$(perl -ne 'print "$1\n" if /^\| `((GET|POST) [^`]+)`/' docs/api.md | sort -u)
[ -n "$described" ] || fail "src/http describes no endpoint by utoipa::path"
[ "$described" = "$listed" ] || fail "docs/api.md (>) does not list the endpoints of src/http (<):
$(diff <(echo "$described") <(echo "$listed") || true)"

# A test's name has at least four words; a metric's begins with flight_monitor.
while read -r name; do
  git grep -qE "fn $name\b" -- '*.rs' || fail "no test is named $name: $(git grep -l "\`$name\`" -- docs | tr '\n' ' ')"
done < <(perl -ne 'print "$1\n" while /`(?!flight_monitor_)([a-z0-9]+(_[a-z0-9]+){3,})`/g' \
  docs/SECURITY.md docs/reliability.md | sort -u)

# Paths of this repository; one with a placeholder or a wildcard is not checked.
while read -r path; do
  [ -e "$path" ] || fail "$path does not exist: $(git grep -lF "\`$path\`" -- '*.md' | tr '\n' ' ')"
done < <(perl -ne 'print "$1\n" while /`((actors|src|web|tests|scripts|docs|deploy|simulator|bench|examples)\/[\w.\/-]+)`/g' \
  README.md CONTRIBUTING.md docs/*.md docs/adr/*.md | sort -u)

[ "$(wc -l <README.md)" -le 120 ] || fail "README.md has more than 120 lines"

typos=$(command -v typos || echo "${CARGO_TARGET_DIR:-target}/tools/bin/typos")
"$typos" --format brief || faults=1
[ "$faults" = 0 ] || exit 1
echo "docs: ${#files[@]} Markdown files, and the spelling of the tree"

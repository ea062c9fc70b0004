"""The repositories that the profiles of real sources read, as they are published: names, formats and columns.

Two or three rows of each. tests/profiles/repositories.py has the same repositories with enough rows for a whole run.
"""

import json
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Rows = Iterable[dict[str, Any]]


def parquet(rows: Rows) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(list(rows)), sink)
    return sink.getvalue().to_pybytes()


def lines(rows: Rows) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


PAGE = {
    "url": "https://example.org/sum",
    "text": "The sum of the first $n$ odd numbers is $n^2$.",
    "date": "2023-01-01 00:00:00",
    "metadata": '{"extraction_info": {"found_math": true}}',
}
STARRED = {"max_stars_repo_path": "a.py", "max_stars_repo_name": "o/r", "max_stars_count": 3}
MATRIX = {"Language=": "en", "License=": "cc", "Meta_Link=": "https://example.org"}
STRUCTURED = (
    "<jupyter_start><jupyter_text># Roots<jupyter_code>import sympy\nprint(sympy.sqrt(2))<jupyter_output>sqrt(2)"
    "<jupyter_code>x = 1<jupyter_output><empty_output>"
)
# About half of the Python files begin with a line of metadata.
HEADED = "<reponame>o/r<filename>a.py<gh_stars>1-10\nimport sympy"
SCRIPT = "# coding: utf-8\n\n# In[1]:\n\nfrom scipy import stats\n"

DATASETS: dict[str, dict[str, bytes]] = {
    "open-web-math/open-web-math": {
        "data/train-00000-of-00114-5a023365406cf9c4.parquet": parquet([PAGE, PAGE | {"url": "https://example.org/2"}]),
        "data/train-00001-of-00114-2845be6cff3f5c22.parquet": parquet([PAGE]),
        "imgs/figure.png": b"png",
    },
    "m-a-p/Matrix": {
        "cc_en.0000.jsonl": lines([MATRIX | {"text": "A page of the web."}, MATRIX | {"content": "Another page."}]),
        "cc_zh.0000.jsonl": lines([MATRIX | {"text": "x"}]),
        "book_math.0000.jsonl": lines([{"text": "A book on groups.", "seed_data": "auto_math_text"}]),
        "book_science.0000.jsonl": lines([{"text": "A book on heat."}]),
        "book_all.0000.jsonl": lines([{"text": "A novel."}]),
    },
    "ajibawa-2023/Maths-College": {
        f"Maths-College-{n}-Final.json": lines([{"instruction": "Explain rank.", "output": f"The rank is {n}."}])
        for n in range(6)
    },
    "ajibawa-2023/Education-College-Students": {
        f"Education-College-Students-{n}-Final.json": lines([{"idx": n, "text": f"Lesson {n}", "model": "m"}])
        for n in range(4)
    },
    "bigcode/starcoderdata": {
        "python/train-00000-of-00059.parquet": parquet(
            [STARRED | {"id": "1", "content": HEADED}, STARRED | {"id": "2", "content": "print(1)"}]
        ),
        "java/train-00000-of-00059.parquet": parquet([STARRED | {"id": "1", "content": "class A {}"}]),
        "jupyter-scripts-dedup-filtered/train-00000-of-00008.parquet": parquet(
            [{"hexsha": "0", "ext": "py", "lang": "python", "size": 9, "id": "1", "content": SCRIPT} | STARRED]
        ),
        "jupyter-structured-clean-dedup/train-00000-of-00006.parquet": parquet(
            [{"license": "mit", "path": "a", "repo_name": "o/r", "chain_length": 2, "id": "1", "content": STRUCTURED}]
        ),
    },
    "openai/gsm8k": {
        "main/test-00000-of-00001.parquet": parquet([{"question": "2 and 2?", "answer": "2+2=<<2+2=4>>4\n#### 4"}]),
        "main/train-00000-of-00001.parquet": parquet([{"question": "not this", "answer": "#### 0"}]),
        "socratic/test-00000-of-00001.parquet": parquet([{"question": "nor this", "answer": "#### 0"}]),
    },
    "EleutherAI/hendrycks_math": {
        f"{subject}/test-00000-of-00001.parquet": parquet(
            [{"problem": f"{subject}?", "level": "Level 5", "type": subject, "solution": r"It is $\boxed{7}$."}]
        )
        for subject in ("algebra", "geometry")
    },
    "ChilleD/SVAMP": {
        f"data/{split}-00000-of-00001-{mark}.parquet": parquet(
            [
                {"ID": f"chal-{split}", "Body": "There are 2.", "Question": "How many?", "Equation": "2.0"}
                | {"Answer": "2.0", "Type": "Addition", "question_concat": "There are 2. How many?"}
            ]
        )
        for split, mark in (("train", "b9da4c6a"), ("test", "98baabf2"))
    },
    "mcaleste/sat_multiple_choice_math_may_23": {
        "train.csv": (
            b"id,Question,Possible Answers,Answer\n"
            b'0,"Which of these, in $x$, is true?","(A) $f(-6)=0$ (B) $f(6)=-6$ (C) $f(-6)=6$ (D) $f(0)=-6$",A\n'
            b'17,"Which expression?","A. $100\\left(\\frac{b}{435}\\right)$ B. $2$ C. $3$ D. $435(100 b)$",A\n'
        )
    },
    "math-ai/minervamath": {"test.jsonl": lines([{"question": "What is the period?", "answer": "2"}])},
    "cais/mmlu": {
        f"{subject}/{split}-00000-of-00001.parquet": parquet(
            [{"question": f"{subject} {split}?", "subject": subject, "choices": ["1", "2", "3", "4"], "answer": 1}]
        )
        for subject in ("abstract_algebra", "college_mathematics", "elementary_mathematics", "anatomy")
        for split in ("test", "dev")
    }
    | {
        f"{subject}/test-00000-of-00001.parquet": parquet([{"question": "?!", "choices": ["1", "2"], "answer": 0}])
        for subject in ("high_school_mathematics", "high_school_statistics")
    },
    "Hothan/OlympiadBench": {
        f"OlympiadBench/{name}/{name}.parquet": parquet(
            [
                {"id": 1606, "question": f"Of {name}?", "solution": ["First."], "final_answer": ["2", "3"]}
                | {"context": None, "image_1": None, "is_multiple_answer": True, "subfield": "Algebra"}
            ]
        )
        for name in ("OE_TO_maths_en_COMP", "OE_TO_physics_en_COMP")
    },
}

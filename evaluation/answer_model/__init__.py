"""Training of the model that reads a question and a statement together.

``questions.tsv``, ``sections.txt`` and ``clusters.txt`` are what it learns from (``README.md``
tells how they were written), ``lists`` makes candidates with labels of them, ``network`` is the
model in torch, and ``python -m evaluation.answer_model.train`` trains it and writes its weights.
The product needs nothing of this: it runs the weights without torch.
"""
